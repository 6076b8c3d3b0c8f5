"""The configuration types that probes share. Names of TLS and authentication keys are those of Prometheus."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from agent.core.durations import parse_duration
from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.secrets import remember
from agent.probes._endpoint import Endpoint, name_server_endpoint, parse_address, parse_url
from agent.probes._network import Network
from agent.probes._regular_expression import RegularExpression
from agent.probes._text import has_control_characters


class EnvironmentText(str):
    """A configured text into which the loader put the value of an environment variable, so that it may be a secret."""

    __slots__ = ()


def _address(value: str) -> str:
    parse_address(value)
    return value


def _name_server(value: str) -> str:
    name_server_endpoint(value)
    return value


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        if parse_url(value).scheme not in schemes:
            raise ValueError(f"expected a URL that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return AfterValidator(check)


def _secret(value: object) -> object:
    """The secret without white space at its ends, as the text of a file."""
    if isinstance(value, SecretStr):
        return SecretStr(_remembered(value.get_secret_value().strip()))
    if isinstance(value, EnvironmentText):
        return _remembered(value.strip())
    if isinstance(value, str):
        raise ValueError("a secret must not be written in the configuration; use the key with _file, or ${NAME}")
    return value


def _remembered(secret: str) -> str:
    remember(secret)
    return secret


def _still_from_environment(value: object, check: ValidatorFunctionWrapHandler) -> str:
    """The text that `check` accepts. One from the environment loses white space at its ends, as the text of a file."""
    if isinstance(value, EnvironmentText):
        return EnvironmentText(check(EnvironmentText(value.strip())))
    text: str = check(value)
    return text


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_HEADERS_OF_THE_AGENT = ("connection", "content-length", "transfer-encoding")


def _header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError("not the name of a header; write letters, digits and hyphens, as in X-Team")
    if value.lower() in _HEADERS_OF_THE_AGENT:
        raise ValueError("the agent itself writes this header where a request needs it; leave it out")
    return value


def _header_value(value: str) -> str:
    if has_control_characters(value):
        raise ValueError(
            "a line break or another control character ends a header; write it, or set its variable, without them"
        )
    return value


def _no_header_twice(headers: dict[str, str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for name in headers:
        if known.setdefault(name.lower(), name) != name:
            raise ValueError(f"{known[name.lower()]} and {name} are the same header; keep one of them")
    return headers


def _cookie_name(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError("not the name of a cookie; write letters, digits and hyphens, as in meshery-provider")
    return value


def _cookie_value(value: str) -> str:
    if ";" in value or has_control_characters(value):  # what ends a cookie: RFC 6265, section 5.2
        raise ValueError(
            "a semicolon or a control character ends a cookie; write it, or set its variable, without them"
        )
    return value


def _credentials(secret: SecretStr) -> SecretStr:
    _header_value(secret.get_secret_value())
    return secret


def _pattern(value: str) -> str:
    try:
        RegularExpression(value)
    except ValueError as error:
        raise ValueError(f"not a valid regular expression (RE2): {error}") from None
    return value


Address = Annotated[str, AfterValidator(_address)]
NameServer = Annotated[str, AfterValidator(_name_server)]
HttpUrl = Annotated[str, _url("http", "https")]
WebSocketUrl = Annotated[str, _url("ws", "wss", "http", "https")]
Duration = Annotated[float, BeforeValidator(parse_duration)]
SecretText = Annotated[SecretStr, BeforeValidator(_secret)]
HeaderValue = Annotated[str, AfterValidator(_header_value), WrapValidator(_still_from_environment)]
Headers = Annotated[dict[Annotated[str, AfterValidator(_header_name)], HeaderValue], AfterValidator(_no_header_twice)]
CookieName = Annotated[str, AfterValidator(_cookie_name)]
CookieValue = Annotated[str, AfterValidator(_cookie_value), WrapValidator(_still_from_environment)]
Pattern = Annotated[str, AfterValidator(_pattern)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253)]
"""The name of a Kubernetes object."""
Status = Annotated[int, Field(ge=100, le=599)]


class Model(BaseModel):
    """A part of the configuration: immutable, comparable, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TlsSettings(Model):
    """How the target's certificate is verified and the agent identifies itself."""

    ca_file: Path | None = None
    """Certificates to trust, PEM; default: the system's."""
    cert_file: Path | None = None
    """Client certificate, PEM."""
    key_file: Path | None = None
    """Key of the client certificate, PEM."""
    server_name: str | None = None
    """Name to ask for and to verify, where it is not the host's."""
    insecure_skip_verify: bool = False
    """Do not verify the target's certificate."""
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    """Lowest TLS version to accept."""

    @model_validator(mode="after")
    def _key_with_certificate(self) -> "TlsSettings":
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file beside it")
        return self


class BasicAuthSettings(Model):
    """HTTP basic authentication."""

    username: str
    password: SecretText | None = None
    """From the environment only, as ${NAME}."""
    password_file: Path | None = None

    @model_validator(mode="after")
    def _one_password(self) -> "BasicAuthSettings":
        if (self.password is None) == (self.password_file is None):
            raise ValueError("basic_auth needs exactly one of password_file and password")
        return self


class AuthorizationSettings(Model):
    """An Authorization header with a token."""

    type: HeaderValue = "Bearer"
    credentials: Annotated[SecretText, AfterValidator(_credentials)] | None = None
    """From the environment only, as ${NAME}."""
    credentials_file: Path | None = None

    @model_validator(mode="after")
    def _one_credential(self) -> "AuthorizationSettings":
        if (self.credentials is None) == (self.credentials_file is None):
            raise ValueError("authorization needs exactly one of credentials_file and credentials")
        return self


class AuthSettings(Model):
    """How the agent authenticates to the target."""

    basic_auth: BasicAuthSettings | None = None
    authorization: AuthorizationSettings | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "AuthSettings":
        if (self.basic_auth is None) == (self.authorization is None):
            raise ValueError("auth needs exactly one of basic_auth and authorization")
        return self


class CookieSettings(Model):
    """A cookie to send. A secret, such as a session token, belongs in a file."""

    value: CookieValue | None = None
    """The value itself, where it is no secret."""
    value_file: Path | None = None
    """A file that holds the value; read again when it changes."""

    @model_validator(mode="after")
    def _one_value(self) -> "CookieSettings":
        if (self.value is None) == (self.value_file is None):
            raise ValueError("a cookie needs exactly one of value_file and value")
        return self


class ProbeSettings(Model):
    """What a check says under `probe`. Each kind's class adds its keys and knows how to build its probe."""

    summary: ClassVar[str]
    """One sentence: what the probe does and proves."""
    metrics: ClassVar[tuple[Metric, ...]] = ()
    """What the probe may measure."""
    transport: ClassVar[str] = "tcp"
    """`tcp` or `udp`: what the connection is made by, as in a firewall table."""

    kind: str

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Without the request headers, which may hold credentials from the environment."""
        return [(name, value) for name, value in super().__repr_args__() if name != "headers"]

    def endpoint(self) -> Endpoint:
        """The host and port that the probe connects to."""
        raise NotImplementedError

    def shortest_run(self) -> float:
        """Seconds that even the best run takes, because the probe waits on purpose. The timeout has to be longer."""
        return 0.0

    def endpoint_problem(self) -> str:
        """Why the host that `endpoint` names is none to connect to; empty where it is one."""
        return ""

    def further_endpoints(self) -> str:
        """What the probe connects to besides, in words, where only a run can tell; empty where there is nothing."""
        return ""

    def target(self) -> str:
        """The target as people write it, never with a secret."""
        return str(self.endpoint())

    def probe(self, network: Network) -> Probe:
        """The probe for these settings."""
        raise NotImplementedError
