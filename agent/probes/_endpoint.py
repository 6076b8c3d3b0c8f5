"""Where a probe connects to, and the texts that say it: addresses and URLs."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from agent.core.secrets import conceal_in_url
from agent.probes._address import host_and_port, parse_literal, zone_problem

DNS_PORT = 53
DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443, "ws": 80, "wss": 443}
CREDENTIALS_IN_ADDRESS = "credentials do not belong in an address or URL; use a key of the check that ends in _file"
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


class Endpoint(NamedTuple):
    """A host and a port: where a probe connects to, or where something listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return host_and_port(self.host, self.port)


def parse_address(text: str) -> Endpoint:
    """`host:port` or `[ipv6]:port`. Raises ValueError with a remedy."""
    if "@" in text:
        raise ValueError(CREDENTIALS_IN_ADDRESS)
    host, separator, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host and "/" not in host:
        raise ValueError("an IPv6 address needs brackets, as in [::1]:4222")
    if not separator or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("expected host:port with a port from 1 to 65535, as in broker.example.com:4222")
    if re.search(r"[\s/@?#]", host):
        raise ValueError("expected host:port without a scheme or path, as in broker.example.com:4222")
    if problem := zone_problem(host):
        raise ValueError(problem)
    return Endpoint(host, int(port))


def name_server_endpoint(text: str) -> Endpoint:
    """`host:port`, `[ipv6]:port`, or a host or IP address alone, which means port 53. Raises ValueError."""
    bare = text.removeprefix("[").removesuffix("]") if text.endswith("]") else text
    if parse_literal(bare) or ":" not in text:
        return parse_address(host_and_port(bare, DNS_PORT))
    return parse_address(text)


def parse_url(text: str) -> SplitResult:
    """An absolute URL with a host. Raises ValueError with a remedy."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        message = "not a valid URL; a port is a number up to 65535, an IPv6 address stands in brackets"
        raise ValueError(message) from None
    if not url.scheme or not url.hostname:
        raise ValueError("expected an absolute URL with scheme and host, as in http://meshery.example.com:9081/")
    if problem := zone_problem(_host_of(url)):
        raise ValueError(problem)
    if url.username is not None or url.password is not None:
        raise ValueError("credentials do not belong in a URL; use auth: {basic_auth: {username, password_file}}")
    if port == 0 or re.search(r"[\s\x00-\x1f]", text):
        raise ValueError("not a valid URL: it has a port 0, white space or control characters")
    return url


def url_endpoint(url: str) -> Endpoint:
    """Host and port that a validated URL leads to."""
    parts = urlsplit(url)
    return Endpoint(_host_of(parts), parts.port or DEFAULT_PORTS[parts.scheme])


def _host_of(parts: SplitResult) -> str:
    """The host of a URL. The zone of an IPv6 address stands there behind %25, or behind the bare % (RFC 6874)."""
    host = parts.hostname or ""
    if ":" not in host:
        return host
    address, percent, zone = host.partition("%")
    return f"{address}{percent}{unquote(zone.removeprefix('25')) or zone}"


def end_of_authority(text: str) -> int | None:
    """Where path and query of a URL begin; None for a text that is no URL."""
    match = _AUTHORITY.match(text)
    return match and match.end()


def shown_url(url: str) -> str:
    """A URL as it may be shown: path and query without what the loader has put in from the environment."""
    end = end_of_authority(url) or 0
    return url[:end] + conceal_in_url(url[end:])
