"""What an OTLP collector received, read from the log that it writes of every span."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.servers.process import Server


@dataclass(frozen=True, slots=True)
class Span:
    """A span as the collector received it. Ids are hexadecimal, times are nanoseconds since 1970, values are text."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    status: str
    start: int
    end: int
    attributes: dict[str, str] = field(default_factory=dict)


class Collector(Server):
    """An OTLP collector; `port` takes OTLP over HTTP at /v1/traces."""

    grpc_port: int

    def spans(self) -> list[Span]:
        """All spans received so far, as the collector understood them."""
        blocks = re.split(r"^Span #\d+$", self.log(), flags=re.MULTILINE)[1:]
        return [_span(block) for block in blocks]


def _span(block: str) -> Span:
    facts = {key.strip(): value.strip() for key, value in re.findall(r"^ *([A-Z][\w ]+?) *:(.*)$", block, re.MULTILINE)}
    attributes = dict(re.findall(r"^     -> ([^:]+): \w+\((.*)\)$", block, re.MULTILINE))
    return Span(
        name=facts["Name"],
        trace_id=facts["Trace ID"],
        span_id=facts["ID"],
        parent_id=facts["Parent ID"],
        kind=facts["Kind"],
        status=facts["Status code"],
        start=int(facts["Start time"]),
        end=int(facts["End time"]),
        attributes=attributes,
    )
