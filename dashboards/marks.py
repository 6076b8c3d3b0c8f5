"""Marks in the graphs: alerts that fire, and what people and machines did at the time."""

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery
from grafana_foundation_sdk.builders.prometheus import Dataquery

from dashboards.datasources import PROMETHEUS
from dashboards.queries import CLUSTER

STEP = "60s"
"""Marks that are no further apart are one."""


def alerts(scope: str = CLUSTER) -> AnnotationQuery:
    """The alerts of the pack that fire."""
    expr = f'ALERTS{{alertstate="firing",alertname=~"Reachd.+",severity!="none",{scope}}}'
    return _marks("Alerts", expr, "red", title="{{alertname}} ({{severity}})", text="{{check}} {{node}} {{instance}}")


def rollouts(scope: str) -> AnnotationQuery:
    """Changes of what workloads should be."""
    kinds = ("deployment", "statefulset", "daemonset")
    changes = [
        f"max by (cluster, namespace, {kind}) (changes(kube_{kind}_metadata_generation{{{scope}}}[2m]))"
        for kind in kinds
    ]
    expr = f"({' or '.join(changes)}) > 0"
    return _marks(
        "Rollouts", expr, "blue", title="Rollout", text="{{namespace}}/{{deployment}}{{statefulset}}{{daemonset}}"
    )


def reloads(scope: str = CLUSTER) -> AnnotationQuery:
    """New configurations of the agents."""
    expr = f"1000 * max by (cluster, instance) (reachd_config_last_reload_success_timestamp_seconds{{{scope}}})"
    return _at_value("Reloads", expr, "purple", title="Configuration of reachd put to use", text="{{instance}}")


def broker_restarts(scope: str) -> AnnotationQuery:
    """Starts of Brokers."""
    expr = f"1000 * max by (cluster, deployment) (nats_server_start_timestamp_seconds{{{scope}}})"
    return _at_value("Broker restarts", expr, "orange", title="Broker started", text="{{deployment}}")


def _at_value(name: str, expr: str, colour: str, *, title: str, text: str) -> AnnotationQuery:
    return _marks(name, expr, colour, title=title, text=text).use_value_for_time(True)


def _marks(name: str, expr: str, colour: str, *, title: str, text: str) -> AnnotationQuery:
    target = Dataquery().ref_id("Anno").datasource(PROMETHEUS).expr(expr).range().interval(STEP)
    return (
        AnnotationQuery()
        .name(name)
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color(colour)
        .target(target)
        .expr(expr)
        .step(STEP)
        .title_format(title)
        .text_format(text)
    )
