"""The whole configuration. Its keys are a contract: people's files depend on them."""

import os
from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path as FilePath
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator, PrivateAttr, WithJsonSchema

from agent.core.check import Vantage
from agent.probes._endpoint import Endpoint, parse_address
from agent.probes._interception import Interception
from agent.probes._network import Network
from agent.probes._proxy import Proxies, Proxy, no_proxy, parse_proxy
from agent.probes._settings import BasicAuthSettings, EnvironmentText, HttpUrl, Model
from agent.profiles import deployment_model, profile_names
from agent.profiles.fields import Interval, Objective, Ratio, Timeout, problem_below
from agent.settings.checks import CheckSettings
from agent.settings.discovery import Discovery
from agent.settings.kubernetes import KubernetesSettings
from agent.settings.problems import Path, unknown

ProxyChoice = Literal["from_environment", "none"] | Proxy


def _listen(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    host, _, port = str(value).rpartition(":")
    try:
        parse_address(f"{host}:1" if port == "0" else str(value))
    except ValueError:
        raise ValueError("expected an address and a port to listen on; write 0.0.0.0:9886") from None
    return value


def _proxy(value: object) -> ProxyChoice:
    if isinstance(value, Proxy):
        return value
    if value == "from_environment":
        return "from_environment"
    if value == "none":
        return "none"
    if not isinstance(value, str) or "://" not in value:
        raise ValueError("expected from_environment, none, or a URL such as http://proxy.example.com:3128")
    proxy = parse_proxy(value)
    if proxy.credentials and not isinstance(value, EnvironmentText):
        raise ValueError("a password must not be written in the configuration; put it into the URL with ${NAME}")
    return proxy


def _one_or_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _network(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected a network in quotes, as in 169.254.0.0/16")
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError("expected a network without host bits, as in 169.254.0.0/16 or fd00::/8") from None


def deployment_class(value: object) -> type[Model]:
    """The settings class for one entry of `deployments`. Raises ValueError or, for its profile, ValidationError."""
    if not isinstance(value, dict):
        raise ValueError("expected a deployment's keys, as in {name: prod, profile: meshery}")
    profile = value.get("profile")
    if not isinstance(profile, str):
        raise problem_below("profile", "the key 'profile' is missing; name the platform, as in profile: meshery")
    if profile not in profile_names():
        raise problem_below("profile", unknown("profile", profile, profile_names()))
    return deployment_model(profile)


def _deployment(value: object) -> Model:
    return value if isinstance(value, Model) else deployment_class(value).model_validate(value)


class Defaults(Model):
    """What holds for every check that does not say otherwise."""

    every: Interval = 15.0
    """Time between two runs; from 100ms."""
    timeout: Timeout = 5.0
    """Longest time that a run may take; not longer than `every`."""
    slo: Ratio = 0.999
    """Ratio of runs that must succeed, between 0 and 1."""
    latency_objective: Objective = 0.5
    """A successful run that takes longer counts as slow."""


class Limits(Model):
    """How much the agent may do at the same time."""

    in_flight: Annotated[int, Field(ge=1, le=50_000)] = 500
    """Probes that may run at the same time."""
    per_host: Annotated[int, Field(ge=1, le=50_000)] = 20
    """Probes that may run at the same time against one host."""


class ListenerTls(Model):
    """The agent's own certificate. Both files are read again when they change."""

    cert_file: FilePath
    """Certificate and its chain, PEM."""
    key_file: FilePath
    """Its key, PEM."""


class Web(Model):
    """The agent's own endpoints."""

    tls: ListenerTls | None = None
    """Serve HTTPS instead of HTTP."""
    basic_auth: BasicAuthSettings | None = None
    """Ask callers for this user and password. Health endpoints stay open."""


class Otlp(Model):
    """Where traces go."""

    endpoint: HttpUrl
    """OTLP over HTTP; `/v1/traces` is appended."""
    headers_file: FilePath | None = None
    """A file of request headers, one `name: value` a line."""
    success_ratio: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of successful runs that are exported. Failures and state changes always are."""


class Log(Model):
    """What the agent writes to standard error."""

    format: Literal["json", "console"] = "json"
    """`json` for machines, `console` for people."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important messages to write."""


class Configuration(Model):
    """Everything that the agent is told. All keys are optional."""

    listen: Annotated[str, BeforeValidator(_listen)] = "0.0.0.0:9886"
    """Address and port of metrics, health, API and status page."""
    vantage: Annotated[tuple[Vantage, ...], BeforeValidator(_one_or_list), Field(min_length=1)] = (Vantage.OPERATIONS,)
    """Where this agent stands: one vantage or a list. Rows of other vantages are listed as not testable from here.
    Your own `checks` carry the first one."""
    environment: str = ""
    """Name of the environment, such as production, in traces and logs."""
    state_file: FilePath | None = None
    """A small file in which the agent keeps since when each check is in its state, so that a restart does not lose
    it. Without one, the times after a restart are "at least since"."""
    defaults: Defaults = Defaults()
    """What holds for every check that does not say otherwise."""
    limits: Limits = Limits()
    """How much the agent may do at the same time."""
    web: Web = Web()
    """The agent's own endpoints."""
    proxy: Annotated[ProxyChoice, PlainValidator(_proxy), WithJsonSchema({"type": "string"})] = "from_environment"
    """The way out, of probes and of traces: `from_environment` (HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as Meshery
    Server reads them), the URL of a proxy (NO_PROXY still holds), or `none`."""
    forbidden_addresses: tuple[
        Annotated[IPv4Network | IPv6Network, PlainValidator(_network), WithJsonSchema({"type": "string"})],
        ...,
    ] = ()
    """Networks that no probe may connect to, checked after names are resolved and on every redirect. Through a proxy,
    which resolves names itself, only addresses in URLs can be checked: the proxy has to refuse what names stand for."""
    unmask_interception: bool = True
    """Find out whether a service mesh takes every connection from here, which would make checks of kind `tcp` without
    a dialogue lie: for each port of theirs, once a minute, try an address that no host has (192.0.2.1, 2001:db8::1)."""
    deployments: tuple[Annotated[Model, BeforeValidator(_deployment)], ...] = ()
    """The installations to watch. Each names its profile, which decides what its other keys are."""
    checks: tuple[CheckSettings, ...] = ()
    """Checks of your own. They carry `deployment="default"`, `system="custom"` and `component="custom"`."""
    discovery: Discovery = Discovery()
    """Sources that find checks while the agent runs."""
    kubernetes: KubernetesSettings | None = None
    """The cluster that this agent looks into; without it nothing of that is loaded."""
    otlp: Otlp | None = None
    """Where traces go; without it none are made."""
    log: Log = Log()
    """What the agent writes to standard error."""

    _references: dict[Path, str] = PrivateAttr(default_factory=dict)
    _places: dict[str, tuple[str, int]] = PrivateAttr(default_factory=dict)

    def with_references(self, references: Mapping[Path, str]) -> "Configuration":
        """This configuration, with the texts that name environment variables, as they are written, by path."""
        self._references.update(references)
        return self

    def reference(self, path: Path) -> str | None:
        """The text written at `path`, or around it, where it names environment variables."""
        if not self._references:
            return None
        around = (path[:end] for end in range(1, len(path) + 1))
        return next((self._references[place] for place in around if place in self._references), None)

    def taking(self, keys: Collection[str], other: "Configuration") -> "Configuration":
        """This configuration, but `other` for some top-level keys, with the texts that are written there."""
        taken = self.model_copy(update={key: getattr(other, key) for key in keys})
        own = {path: text for path, text in self._references.items() if path[0] not in keys}
        taken._references = own | {path: text for path, text in other._references.items() if path[0] in keys}
        return taken

    def with_places(self, places: Mapping[str, tuple[str, int]]) -> "Configuration":
        """This configuration, with file and line of what there may be something to say about, by path."""
        self._places.update(places)
        return self

    def place(self, path: str) -> tuple[str, int]:
        """File and line of what is written at `path`; empty and 0 where nothing is, or it was not kept."""
        return self._places.get(path, ("", 0))

    def listen_endpoint(self) -> Endpoint:
        """Host and port to listen on; port 0 means any free one."""
        host, _, port = self.listen.rpartition(":")
        return Endpoint(host.removeprefix("[").removesuffix("]"), int(port))

    def proxies(self, environment: Mapping[str, str] = os.environ) -> Proxies:
        """The rules that choose a proxy. Raises ValueError when the environment's proxy cannot be read."""
        if self.proxy == "none":
            return Proxies()
        if self.proxy == "from_environment":
            return Proxies.from_environment(environment)
        return Proxies(self.proxy, self.proxy, no_proxy(environment))

    def network(self) -> Network:
        """The agent's way to the network. Raises ValueError when the environment's proxy cannot be read."""
        return Network(
            proxies=self.proxies(),
            forbidden=self.forbidden_addresses,
            interception=Interception(looked_for=self.unmask_interception),
        )
