"""What the configuration says of sources that find checks while the agent runs."""

from pathlib import Path as FilePath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, model_validator

from agent.probes._address import bracketed
from agent.probes._dns_wire import A, question
from agent.probes._settings import Duration, Model, NameServer
from agent.profiles.fields import INTERVALS
from agent.settings.checks import CheckSettings

Often = Annotated[Duration, Field(ge=INTERVALS[0], le=600)]
_WILDCARDS = "*?["


class CheckTemplate(dict[str, object]):
    """One of `checks` as it is written, where `{host}` and `{port}` stand for what an answer says."""

    def filled(self, host: str, port: int) -> dict[str, object]:
        """The check for one answer, as it would be written; an IPv6 address stands in brackets."""
        places = {"{host}": bracketed(host), "{port}": str(port)}
        return {key: _filled(value, places) for key, value in self.items()}


def _filled(value: object, places: dict[str, str]) -> object:
    if isinstance(value, dict):
        return {key: _filled(item, places) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, places) for item in value]
    if not isinstance(value, str):
        return value
    text: str = value
    for place, replacement in places.items():
        text = text.replace(place, replacement)
    return value if text == value else type(value)(text)  # what came from the environment has to go on saying so


def _template(value: object) -> CheckTemplate:
    if not isinstance(value, dict):
        raise ValueError("expected a check's keys, as in {name: nats, probe: {kind: nats, address: '{host}:{port}'}}")
    template = CheckTemplate(value)
    CheckSettings.model_validate(template.filled("host.example.com", 1))
    if template.filled("a.example", 1) == template.filled("b.example", 1):
        raise ValueError("every answer would be checked alike; write {host} where its host belongs")
    return template


def _file_pattern(value: str) -> str:
    path = FilePath(value)
    if not path.name or value.endswith("/"):
        raise ValueError("expected files, as in /etc/reachd/targets/*.yaml")
    if any(character in str(path.parent) for character in _WILDCARDS):
        raise ValueError("only the name of a file may have wildcards, not its directory; write one entry for each")
    return value


def _dns_name(value: str) -> str:
    try:
        question(value, A)
    except ValueError as error:
        raise ValueError(f"not a name in the DNS: {error}") from None
    return value


class TargetFiles(Model):
    """Files that hold `checks` and `deployments` as a configuration does."""

    path: Annotated[str, AfterValidator(_file_pattern)]
    """The files; the last part of the path may have the wildcards `*`, `?` and `[...]`."""
    every: Often = 30.0
    """Time between two looks for changes, ten minutes at most: the alert on stale sources counts on it."""


class DnsTargets(Model):
    """A name in the DNS, and the check of each answer to it."""

    name: Annotated[str, AfterValidator(_dns_name)]
    """The whole name; search domains are not tried."""
    type: Literal["SRV", "A", "AAAA"] = "SRV"
    """Type of the records to ask for."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The port of every answer, for A and AAAA; an SRV record says it itself."""
    server: NameServer | None = None
    """The name server to ask, as host:port or as an address alone; default: those of the system."""
    every: Often = 30.0
    """Time between two questions, ten minutes at most."""
    check: Annotated[CheckTemplate, PlainValidator(_template), WithJsonSchema({"type": "object"})]
    """The check of each answer: the keys of one of `checks`, where `{host}` and `{port}` stand for what the answer
    says. Both are added to its `name`. It may depend on `checks` of the configuration."""

    @model_validator(mode="after")
    def _port_from_one_place(self) -> "DnsTargets":
        if (self.type == "SRV") is (self.port is not None):
            remedy = "leave port out" if self.type == "SRV" else "add port"
            raise ValueError(f"SRV records say the port, A and AAAA do not; {remedy}")
        return self


class Discovery(Model):
    """Sources that find checks while the agent runs. A deployment that is configured already
    gets what they find of it besides; any other name that is in use already stays as it is."""

    files: tuple[TargetFiles, ...] = ()
    """Files of checks and deployments that something else than people writes."""
    dns: tuple[DnsTargets, ...] = ()
    """Names in the DNS whose answers are checked."""
