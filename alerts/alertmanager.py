"""Alertmanager's configuration: who gets what, and what suppresses what."""

from alerts.down import DOWN, PARTLY
from alerts.rule import Json
from alerts.timing import Timing

_CREDENTIALS = "/etc/alertmanager/secrets"
_COMPONENT = ["cluster", "deployment", "component", "node", "namespace", "service"]
"""What two alerts must have in common for one to explain the other. An absent label equals an absent label."""
_CHECK = ["cluster", "deployment", "check"]
_UNRELATED = "custom|cluster|adapter|egress"
"""Components whose checks have nothing to do with each other: one's own, and several targets of the same sort."""
_UPPER_LAYERS = (("dns", "dns"), ("tcp", "dns|tcp"), ("tls", "dns|tcp|tls"))
"""A kind of probe, and the kinds that it does not explain: its own, and those of the layers below."""
_HAVE_TO_BE_CLOSED = "(node-port-)?broker-(routing|leafnode|gateway|exporter)"
"""Checks of ports that nothing uses: that one of them is open explains nothing that is down."""
_SAME_TARGETS = "(cluster|adapter)-.+-(ping|diagnostics)|checklist-api"
"""Checks of clusters and adapters that fail, too, when another check finds the cluster or the adapter down."""
_SUMMARY = (
    "{{ $told := .Alerts }}{{ if .Alerts.Firing }}{{ $told = .Alerts.Firing }}{{ end }}"
    "{{ (index $told 0).Annotations.summary }}{{ with slice $told 1 }} And {{ len . }} more.{{ end }}"
)
"""That of the first alert which fires, or which has ended, and how many there are besides.

Alerts of several names have no summary in common, and a pager refuses an event without one.
"""


def document(timing: Timing) -> Json:
    """The configuration."""
    return {
        "route": _route(timing),
        "inhibit_rules": _inhibit_rules(),
        "receivers": _receivers(),
    }


def _route(timing: Timing) -> Json:
    return {
        "receiver": "ticket",
        "group_by": ["cluster", "deployment", "component"],
        "group_wait": timing("30s"),
        "group_interval": timing("5m"),
        "repeat_interval": timing("12h"),
        "routes": [
            {
                "receiver": "dead-mans-switch",
                "matchers": ['alertname="ReachdWatchdog"'],
                "group_wait": timing("0s"),
                "group_interval": timing("1m"),
                "repeat_interval": timing("1m"),
            },
            {
                "receiver": "page",
                "matchers": ['severity="critical"'],
                "group_wait": timing("15s"),
                "group_interval": timing("1m"),
                "repeat_interval": timing("4h"),
                "routes": [
                    {"matchers": [f'component=~"{_UNRELATED}"'], "group_by": [*_CHECK, "component"]},
                    # A rack of nodes is as many pages. Nothing tells it from nodes that fail one by one, each of which
                    # somebody has to hear of though the page about another one is acknowledged; and a pager can join
                    # what arrives at once, and cannot part what came as one.
                    {"matchers": ['component="node"'], "group_by": ["cluster", "component", "node"]},
                ],
            },
            {
                "receiver": "information",
                "matchers": ['severity="info"'],
                "group_by": ["cluster", "deployment"],
                "group_wait": timing("5m"),
                "group_interval": timing("1h"),
                "repeat_interval": timing("3d"),
            },
            # One certificate is seen by checks of several components.
            {"matchers": ['alertname="ReachdCertificateExpiry"'], "group_by": ["cluster", "deployment"]},
        ],
    }


def _receivers() -> list[Json]:
    chat = {"api_url_file": f"{_CREDENTIALS}/chat-url", "send_resolved": True}
    return [
        {
            "name": "page",
            "pagerduty_configs": [
                {
                    "routing_key_file": f"{_CREDENTIALS}/pager-key",
                    "description": _SUMMARY,
                    "details": {
                        "what": "{{ range .Alerts.Firing }}{{ .Annotations.description }}\n{{ end }}",
                        "runbook": "{{ range .Alerts.Firing }}{{ .Annotations.runbook_url }}\n{{ end }}",
                        "dashboard": "{{ range .Alerts.Firing }}{{ .Annotations.dashboard_url }}\n{{ end }}",
                    },
                }
            ],
            "slack_configs": [{**chat, "channel": "#on-call", **_CHAT_TEXT}],
        },
        {"name": "ticket", "webhook_configs": [{"url_file": f"{_CREDENTIALS}/ticket-url"}]},
        {"name": "information", "slack_configs": [{**chat, "channel": "#meshery", **_CHAT_TEXT}]},
        {
            "name": "dead-mans-switch",
            "webhook_configs": [{"url_file": f"{_CREDENTIALS}/dead-mans-switch-url", "send_resolved": False}],
        },
    ]


_CHAT_TEXT = {
    "title": f"{{{{ .Status }}}}: {_SUMMARY}",
    "text": (
        "{{ range .Alerts }}{{ .Annotations.description }}"
        " <{{ .Annotations.runbook_url }}|Runbook> <{{ .Annotations.dashboard_url }}|Dashboard>\n{{ end }}"
    ),
}


def _inhibit_rules() -> list[Json]:
    return [
        *(
            _rule([f'severity="{severity}"', component], [f'severity=~"{lesser}"'], equal)
            for severity, lesser in (("critical", "warning|info"), ("warning", "info"))
            for component, equal in (
                (f'component!~"{_UNRELATED}"', _COMPONENT),
                (f'component=~"{_UNRELATED}"', _CHECK),
            )
        ),
        # What is known of one check: that it is down says more than how well it does.
        _rule([f'alertname=~"{DOWN}"'], [f'alertname!~"{DOWN}"'], _CHECK),
        *(
            _rule(
                [
                    'severity="critical"',
                    f'alertname=~"{DOWN}"',
                    f'kind="{kind}"',
                    f'component!~"{_UNRELATED}"',
                    f'check!~"{_HAVE_TO_BE_CLOSED}"',
                ],
                [f'alertname=~"{DOWN}|{PARTLY}"', f'kind!~"{others}"'],
                ["cluster", "deployment", "component"],
            )
            for kind, others in _UPPER_LAYERS
        ),
        # A node takes along what runs on it.
        _rule(
            ['alertname="ReachdNodeNotReady"'],
            ['severity!="critical"', 'component=~"workload|agent"'],
            ["cluster", "node"],
        ),
        # The Server's own view of a cluster needs the Broker, by the address that the Server takes.
        _rule(
            ['alertname="ReachdBrokerDown"', 'severity="critical"', 'check!~"node-port-.+"'],
            ['check=~"cluster-.+-(diagnostics|broker-status|meshsync-status)"'],
            ["cluster", "deployment"],
        ),
        # Clusters and adapters as the Server sees them, and the cluster that Meshery itself is in, which may be a
        # managed one, too. No label says which of them a check is about.
        _rule(
            ['severity="critical"', f'alertname=~"{DOWN}"', 'component=~"cluster|adapter"'],
            ['severity!="critical"', f'alertname=~"{DOWN}|{PARTLY}"', f'check=~"{_SAME_TARGETS}"'],
            ["cluster", "deployment", "component"],
        ),
        # Users meet what is down as errors, slowness or silence. Nothing says of which deployment the traffic is, so a
        # page about it may be of another one.
        _rule(
            ['severity="critical"', 'component=~"server|ui"'],
            ['severity!="critical"', 'component="traffic"'],
            ["cluster"],
        ),
        # With an agent that is gone, so are the series of its checks.
        _rule(['alertname="ReachdAgentDown"'], ['alertname="ReachdVanished"'], ["cluster"]),
        _rule(
            ['alertname="ReachdMonitorBlind"'],
            ['alertname=~"ReachdStale|ReachdVanished|ReachdUnknown"'],
            ["cluster", "deployment"],
        ),
        # No agent at all. Of a deployment that nobody watches, the agents of others know nothing.
        *(
            _rule(['alertname="ReachdMonitorBlind"', 'deployment=""', cluster], explained, equal)
            # A Prometheus of one cluster has the label for all that it sends; one of several tells of none of them.
            for cluster, equal in (('cluster=""', []), ('cluster!=""', ["cluster"]))
            for explained in (
                ['alertname=~"ReachdStale|ReachdVanished|ReachdUnknown|ReachdMonitorBlind"', 'deployment!=""'],
                ['severity="warning"', 'component="agent"'],
            )
        ),
    ]


def _rule(source: list[str], target: list[str], equal: list[str]) -> Json:
    return {"source_matchers": source, "target_matchers": target, "equal": equal}
