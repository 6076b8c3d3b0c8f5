"""What happens in a recording, so that every dashboard has something to show at its end."""

from dataclasses import dataclass

END = 840.0
"""Seconds that the pictures show."""

LEAD = 570.0
"""Seconds before that: a node is quiet for as long once it has joined, and rates have to fill."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that is the case for a while. start, end: seconds after the first one that is shown."""

    what: str
    start: float
    end: float = END


FAULTS = {
    "prod": (
        Span("broker-down", 60, 240),
        Span("ingress-drops-upgrades", 300, 400),
        Span("server-503", 430, 540),
        Span("adapter-hung", 550),
        Span("provider-egress-dropped", 600),
        Span("meshsync-disconnected", 660),
        Span("healthz-slow", 720),
    ),
    "staging": (
        Span("server-exposed", 100, 300),
        Span("certificate-expired", 480),
        Span("broker-down", 620),
    ),
}
"""Faults of the demo by deployment."""

KILLED = Span("node-worker-2", 180, 290)
"""An agent that is killed, and started again."""

RELOADED = ("prod-server", 360.0)
"""An agent that is told to read its configuration again, and when."""
