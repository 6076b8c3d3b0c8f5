"""A check for a bare URL, without any configuration."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from urllib.parse import parse_qsl, unquote

from pydantic import ValidationError

from agent.core.check import Check, Severity, Vantage
from agent.probes import settings_of
from agent.probes._endpoint import CREDENTIALS_IN_ADDRESS
from agent.probes._settings import ProbeSettings
from agent.settings.checks import CheckSettings
from agent.settings.model import Configuration
from agent.settings.plan import custom_check
from agent.settings.secrets import mask_text

ORIGIN = "command line"
_CONFIGURATION = Configuration(vantage=(Vantage.CLIENT,))
_KEY_OF_SCHEME = {
    "http": ("http", "url"),
    "https": ("http", "url"),
    "ws": ("websocket", "url"),
    "wss": ("websocket", "url"),
    "tcp": ("tcp", "address"),
    "tls": ("tls", "address"),
    "grpc": ("grpc", "address"),
    "nats": ("nats", "address"),
    "dns": ("dns", "name"),
}
_WITH_TLS = {"https", "wss", "tls"}


def is_url(text: str) -> bool:
    """Whether an argument of `reachd check` is a URL and not the name of a check."""
    return "://" in text


def adhoc_checks(urls: Sequence[str], ca_file: FilePath | None = None) -> tuple[Check, ...]:
    """One check for each URL. Raises ValueError, with a remedy, for a URL that says nothing to probe.

    ca_file: certificates that targets with TLS are verified by; default: the system's.
    """
    return tuple(_adhoc_check(url, number, ca_file) for number, url in enumerate(urls, start=1))


def _adhoc_check(url: str, number: int, ca_file: FilePath | None) -> Check:
    settings = CheckSettings(name=f"url-{number}", probe=_settings(url, ca_file), severity=Severity.INFO)
    check = custom_check(settings, _CONFIGURATION)
    path = replace(check.path, source="here", purpose="asked for on the command line")
    return replace(check, path=path, origin=ORIGIN)


def _settings(url: str, ca_file: FilePath | None) -> ProbeSettings:
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in _KEY_OF_SCHEME:
        schemes = ", ".join(f"{known}://" for known in _KEY_OF_SCHEME)
        raise ValueError(
            f"{mask_text(url)}: cannot probe a URL that starts with {scheme}://; expected one of {schemes}"
        )
    kind, key = _KEY_OF_SCHEME[scheme]
    if key != "url" and "@" in rest:
        raise ValueError(f"{mask_text(url)}: {CREDENTIALS_IN_ADDRESS}")
    trust = {"tls": {"ca_file": ca_file}} if ca_file is not None and scheme in _WITH_TLS else {}
    asked = _question(rest) if kind == "dns" else {key: url if key == "url" else rest.rstrip("/")}
    try:
        return settings_of(kind).model_validate({"kind": kind, **asked, **trust})
    except ValidationError as error:
        raise ValueError(f"{mask_text(url)}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _question(rest: str) -> dict[str, str]:
    """What stands behind dns://, by the keys of the probe: `NAME`, or as in RFC 4501 `SERVER[:PORT]/NAME?type=MX`."""
    place, _, query = rest.partition("?")
    server, slash, name = place.rstrip("/").partition("/")
    parameters = {key.lower(): value.upper() for key, value in parse_qsl(query, separator=";")}
    asked = {"name": unquote(name if slash else server)}
    if slash and server:
        asked["server"] = server
    if "type" in parameters:
        asked["type"] = parameters["type"]
    return asked
