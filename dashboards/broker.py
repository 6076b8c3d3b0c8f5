"""The Broker: who is connected, what goes through it, and how near it is to its limits."""

from alerts.broker import STARTED
from alerts.thresholds import BROKER_GROWTH, BROKER_RESTARTS, NEAR_LIMIT
from dashboards import drawings, marks, queries, variables
from dashboards.colours import STATES, UP_OR_DOWN, YES_OR_NO, above
from dashboards.description import About
from dashboards.document import Document, Line, Section
from dashboards.panel import Facts, Panel
from dashboards.queries import OF_DEPLOYMENT
from dashboards.query import Query

_BY = "cluster, deployment, check"
_BROKER = "{{deployment}} {{check}}"
_CLIENT = "{{deployment}} {{name}}"
_UNREAD = "the monitoring endpoint of the Broker was not read"


def _gauge(name: str, by: str = _BY) -> str:
    return f"max by ({by}) (nats_server_{name}{{{OF_DEPLOYMENT}}})"


def _rate(name: str) -> str:
    # What the Broker counts is the same for each agent that reads it.
    return f"max by ({_BY}) ({queries.rate(f'nats_server_{name}', OF_DEPLOYMENT)})"


def _healthy() -> Panel:
    return drawings.number(
        Facts(
            "Calls itself healthy",
            About(
                "What the Broker says of itself at its monitoring endpoint; releases before 2.8 say nothing.",
                "YES",
                "read the Broker's log; a NO with clients connected is most often JetStream",
                ("ReachdBrokerDown",),
            ),
            [Query(f"min by ({_BY}) (nats_server_healthy{{{OF_DEPLOYMENT}}})", _BROKER)],
            _UNREAD,
            mappings=[YES_OR_NO],
        )
    )


def _connected() -> Panel:
    return drawings.number(
        Facts(
            "Clients that must be there",
            About(
                "Whether Meshery Server and MeshSync are connected, by the names that they give themselves.",
                "UP for each",
                "DOWN while the Broker is fine: look at that client's log, its token and its way to the Broker",
                ("ReachdBrokerClientMissing",),
            ),
            [Query(f"max by (cluster, deployment, name) (nats_server_client_connected{{{OF_DEPLOYMENT}}})", _CLIENT)],
            _UNREAD,
            mappings=[UP_OR_DOWN],
        )
    )


def _started() -> Panel:
    return drawings.number(
        Facts(
            "Started",
            About(
                "When the Broker started.",
                "long ago",
                "look at why its pod restarted: memory, a node, a rollout",
                ("ReachdBrokerRestarted",),
            ),
            [Query(f"1000 * {_gauge('start_timestamp_seconds')}", _BROKER)],
            _UNREAD,
            unit="dateTimeFromNow",
        )
    )


def _restarts() -> Panel:
    started = f"{STARTED}{{{OF_DEPLOYMENT}}}[1h]"
    return drawings.number(
        Facts(
            "Restarts in the last hour",
            About(
                "How often the Broker started anew within an hour.",
                "0",
                "see the last reason of its container on the dashboard of Kubernetes",
                ("ReachdBrokerRestarted",),
            ),
            [Query(f"max by ({_BY}) (changes({started}) - resets({started}))", _BROKER)],
            f"{_UNREAD}; needs the recording rules of the pack",
            steps=above(BROKER_RESTARTS),
        )
    )


def _timeline() -> Panel:
    scope = f'{OF_DEPLOYMENT},component="broker"'
    return drawings.timeline(
        Facts(
            "Ways to the Broker",
            About(
                "Every check of the Broker, from each vantage: client port, monitoring, NodePorts, endpoint.",
                "UP all the time",
                "all DOWN: the Broker; some: the way to it",
                ("ReachdBrokerDown", "ReachdPortExposed"),
            ),
            [
                Query(
                    f"max by (cluster, deployment, check, vantage) ({queries.state_number(scope)})",
                    "{{deployment}} {{check}} from {{vantage}}",
                )
            ],
            "no checks of a Broker",
            mappings=[STATES],
        )
    )


def _messages() -> Panel:
    return drawings.lines(
        Facts(
            "Messages",
            About(
                "Messages per second that the Broker received and sent.",
                "never 0 for long while MeshSync runs",
                "received and not sent: nobody listens; neither: see whether the clients are connected",
                ("ReachdBrokerClientMissing",),
            ),
            [
                Query(_rate("in_messages_total"), f"{_BROKER} received"),
                Query(_rate("out_messages_total"), f"{_BROKER} sent"),
            ],
            _UNREAD,
            unit="cps",
        )
    )


def _bytes() -> Panel:
    return drawings.lines(
        Facts(
            "Bytes",
            About(
                "Bytes of messages per second that the Broker received and sent.",
                "as it was last week",
                "many bytes in few messages: large objects in the cluster; see the limit of the payload",
            ),
            [Query(_rate("in_bytes_total"), f"{_BROKER} received"), Query(_rate("out_bytes_total"), f"{_BROKER} sent")],
            _UNREAD,
            unit="Bps",
        )
    )


def _consumers() -> Panel:
    return drawings.lines(
        Facts(
            "Clients cut off or held back",
            About(
                "Clients per second that read too slowly and were cut off, sent no PONG, or were held back for others.",
                "0",
                "see below which client has bytes waiting; give it CPU, or look for what blocks it",
                ("ReachdBrokerSlowConsumers",),
            ),
            [
                Query(_rate("slow_consumers_total"), f"{_BROKER} slow"),
                Query(_rate("stale_connections_total"), f"{_BROKER} stale"),
                Query(_rate("stalled_clients_total"), f"{_BROKER} held back"),
            ],
            _UNREAD,
            unit="cps",
        )
    )


def _pending() -> Panel:
    return drawings.lines(
        Facts(
            "Bytes that wait for clients",
            About(
                "What the Broker holds for each client until it reads.",
                "near 0",
                "rising: that client will be cut off as a slow consumer",
                ("ReachdBrokerSlowConsumers",),
            ),
            [Query(_gauge("client_pending_bytes", "cluster, deployment, name"), _CLIENT)],
            _UNREAD,
            unit="bytes",
        )
    )


def _round_trip() -> Panel:
    return drawings.lines(
        Facts(
            "Round trip to clients",
            About(
                "The Broker's own ping of each client.",
                "as the network between them",
                "far above it: that client is busy",
                ("ReachdBrokerSlowConsumers",),
            ),
            [Query(_gauge("client_rtt_seconds", "cluster, deployment, name"), _CLIENT)],
            _UNREAD,
            unit="s",
        )
    )


def _idle() -> Panel:
    return drawings.lines(
        Facts(
            "Silence of clients",
            About(
                "Time since each client sent or received anything.",
                "minutes at most while things change in the cluster",
                "hours: it is connected and does nothing",
                ("ReachdBrokerClientMissing",),
            ),
            [Query(_gauge("client_idle_seconds", "cluster, deployment, name"), _CLIENT)],
            _UNREAD,
            unit="s",
        )
    )


def _connections() -> Panel:
    return drawings.lines(
        Facts(
            "Connections against the limit",
            About(
                "Connected clients, as a share of those that may be connected at once.",
                f"below {NEAR_LIMIT:.0%}",
                "find out who connects so often, or raise max_connections",
                ("ReachdBrokerNearLimit",),
            ),
            [Query(f"{_gauge('connections')} / {_gauge('max_connections')}", _BROKER)],
            _UNREAD,
            unit="percentunit",
            steps=above(NEAR_LIMIT),
        )
    )


def _accepted() -> Panel:
    return drawings.lines(
        Facts(
            "Connections made",
            About(
                "Connections per second that clients made; the agent's own check is one each run.",
                "flat",
                "risen: a client reconnects again and again; see its log",
                ("ReachdBrokerClientMissing",),
            ),
            [Query(_rate("accepted_connections_total"), _BROKER)],
            _UNREAD,
            unit="cps",
        )
    )


def _subscriptions() -> Panel:
    return drawings.lines(
        Facts(
            "Subscriptions",
            About(
                "Subscriptions, those of the Broker itself included.",
                "flat",
                "rising without end: a client subscribes and never unsubscribes",
            ),
            [Query(_gauge("subscriptions"), _BROKER)],
            _UNREAD,
        )
    )


def _memory() -> Panel:
    return drawings.lines(
        Facts(
            "Memory against the day before",
            About(
                "Resident memory, as a multiple of its average over the day before.",
                f"below {BROKER_GROWTH:g}",
                "see which clients have bytes waiting, and whether streams are kept in memory",
                ("ReachdBrokerNearLimit",),
            ),
            [
                Query(
                    f"{_gauge('memory_bytes')}"
                    f" / max by ({_BY}) (avg_over_time(nats_server_memory_bytes{{{OF_DEPLOYMENT}}}[1d] offset 1h))",
                    _BROKER,
                )
            ],
            "nothing is known of the day before",
            steps=above(BROKER_GROWTH),
        )
    )


def _resident() -> Panel:
    return drawings.lines(
        Facts(
            "Memory",
            About(
                "Resident memory of the Broker.",
                f"below {NEAR_LIMIT:.0%} of the container's limit, which the dashboard of Kubernetes shows",
                "see which clients have bytes waiting, and whether streams are kept in memory",
                ("ReachdBrokerNearLimit", "ReachdNearLimit"),
            ),
            [Query(_gauge("memory_bytes"), _BROKER)],
            _UNREAD,
            unit="bytes",
        )
    )


def _cpu() -> Panel:
    return drawings.lines(
        Facts(
            "CPU",
            About(
                "Cores that the Broker uses.",
                "below its limit",
                "compare with the messages: more CPU for the same messages is many subscriptions, or TLS handshakes",
                ("ReachdAbnormalUsage",),
            ),
            [Query(_gauge("cpu_ratio"), _BROKER)],
            _UNREAD,
            unit="none",
        )
    )


def _payload() -> Panel:
    return drawings.number(
        Facts(
            "Largest message",
            About(
                "The largest message that the Broker accepts.",
                "above the largest object that MeshSync sends",
                "raise max_payload where clients report that it was exceeded",
            ),
            [Query(_gauge("max_payload_bytes"), _BROKER)],
            _UNREAD,
            unit="bytes",
        )
    )


def _configured() -> Panel:
    return drawings.number(
        Facts(
            "Configuration read",
            About(
                "When the Broker last read its configuration.",
                "after the last change that you made",
                "a token that was rotated later than this is not known to the Broker yet",
                ("ReachdBrokerDown",),
            ),
            [Query(f"1000 * {_gauge('config_load_timestamp_seconds')}", _BROKER)],
            _UNREAD,
            unit="dateTimeFromNow",
        )
    )


def _streams() -> Panel:
    return drawings.lines(
        Facts(
            "JetStream: streams, consumers, messages",
            About(
                "What JetStream keeps. Meshery does not need it.",
                "flat, or 0",
                "messages that only rise: no consumer acknowledges them",
            ),
            [Query(_gauge(f"jetstream_{what}"), f"{_BROKER} {what}") for what in ("streams", "consumers", "messages")],
            "no JetStream",
        )
    )


def _storage() -> Panel:
    kinds = ("memory", "storage")
    return drawings.lines(
        Facts(
            "JetStream: use of the limits",
            About(
                "What streams use of the memory and the storage that they may use.",
                f"below {NEAR_LIMIT:.0%}",
                "shorten what streams keep, or raise the limits",
                ("ReachdBrokerNearLimit",),
            ),
            [
                Query(
                    f"{_gauge(f'jetstream_{kind}_bytes')} / {_gauge(f'jetstream_{kind}_limit_bytes')}",
                    f"{_BROKER} {kind}",
                )
                for kind in kinds
            ],
            "no JetStream",
            unit="percentunit",
            steps=above(NEAR_LIMIT),
        )
    )


def _requests() -> Panel:
    return drawings.lines(
        Facts(
            "JetStream: API",
            About(
                "Requests to the JetStream API per second, and those that failed.",
                "no errors",
                "read the Broker's log",
            ),
            [
                Query(_rate("jetstream_api_requests_total"), f"{_BROKER} requests"),
                Query(_rate("jetstream_api_errors_total"), f"{_BROKER} errors"),
            ],
            "no JetStream",
            unit="cps",
        )
    )


DASHBOARD = Document(
    "reachd-broker",
    "reachd / Broker",
    "The Broker: who is connected, what goes through it, and how near it is to its limits.",
    [
        *variables.datasources(),
        variables.cluster("nats_server_connections"),
        variables.several("deployment", "Deployment", 'probe_state{check!="",component="broker",cluster=~"$cluster"}'),
        variables.several("namespace", "Rollouts in", 'kube_deployment_metadata_generation{cluster=~"$cluster"}'),
    ],
    [
        marks.alerts('cluster=~"$cluster",deployment=~"$deployment"'),
        marks.rollouts('cluster=~"$cluster",namespace=~"$namespace"'),
        marks.broker_restarts(OF_DEPLOYMENT),
    ],
    [
        Section("Now", [Line(6, [_healthy(), _connected(), _started(), _restarts(), _configured(), _payload()])]),
        Section("Can it be reached", [Line(12, [_timeline()])]),
        Section("What goes through it", [Line(8, [_messages(), _bytes(), _consumers()])]),
        Section("Clients", [Line(8, [_pending(), _round_trip(), _idle(), _accepted()])]),
        Section("Limits", [Line(8, [_connections(), _subscriptions(), _resident(), _memory(), _cpu()])]),
        Section("JetStream, where it is used", [Line(8, [_streams(), _storage(), _requests()])], closed=True),
    ],
)
