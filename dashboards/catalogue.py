"""All dashboards of the pack."""

from dashboards import agent, broker, certificates, check, deployment, kubernetes, overview

DASHBOARDS = tuple(
    module.DASHBOARD for module in (overview, deployment, check, broker, kubernetes, certificates, agent)
)
