"""The two datasources, which the reader of a dashboard chooses by variables."""

from grafana_foundation_sdk.models.common import DataSourceRef

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")
TRACES = "traces"
"""The variable that names the datasource of traces."""
