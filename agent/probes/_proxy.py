"""Which proxy, if any, leads to a target: the rules that Meshery Server itself follows (Go's net/http)."""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from agent.core.secrets import remember


class Proxy(NamedTuple):
    """An HTTP proxy. `credentials` is `user:password` or empty; it never appears in any output."""

    host: str
    port: int
    credentials: str

    def __repr__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_proxy(url: str) -> Proxy:
    """A proxy from `http://[user:password@]host[:port]`. Raises ValueError with a remedy."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("expected a proxy as http://host:port")
    password = unquote(parts.password or "")
    remember(password)
    credentials = f"{unquote(parts.username)}:{password}" if parts.username else ""
    return Proxy(parts.hostname, parts.port or 80, credentials)


def no_proxy(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The entries of NO_PROXY, in either case of the name."""
    text = environment.get("NO_PROXY", "") or environment.get("no_proxy", "")
    return tuple(entry.strip().lower() for entry in text.split(",") if entry.strip())


_FORWARD_PROXIES = ("squid", "tinyproxy", "mitmproxy")
"""How the Server header of a proxy's own answers begins; in those that they hand on, they leave the target's."""


def sign_of_own_answer(status: int, headers: Mapping[str, str]) -> str:
    """What shows that a proxy made an answer itself; empty where it may be the target's. `headers`: lower-case names.

    407 is always the proxy's (RFC 9110, section 15.5.8); 403 and 5xx are where X-Squid-Error or the Server header says
    so. Via and X-Cache say nothing: a proxy adds them to what it hands on (RFC 9110, section 7.6.3).
    """
    if status == 407:
        return "the status"
    if status == 403 or status >= 500:
        if "x-squid-error" in headers:
            return "X-Squid-Error"
        if headers.get("server", "").lower().startswith(_FORWARD_PROXIES):
            return "the Server header"
    return ""


class Proxies:
    """Chooses the proxy for a target by scheme and NO_PROXY."""

    def __init__(self, http: Proxy | None = None, https: Proxy | None = None, exceptions: tuple[str, ...] = ()) -> None:
        """`exceptions`: entries of NO_PROXY: name, `.suffix`, address or network, with or without a port, or `*`."""
        self._by_scheme = {"http": http, "ws": http, "https": https, "wss": https}
        self._exceptions = exceptions

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Proxies":
        """HTTP_PROXY, HTTPS_PROXY and NO_PROXY in either case. Raises ValueError for a proxy that cannot be read."""

        def variable(name: str) -> str:
            return environment.get(name, "") or environment.get(name.lower(), "")

        http, https = variable("HTTP_PROXY"), variable("HTTPS_PROXY")
        return cls(parse_proxy(http) if http else None, parse_proxy(https) if https else None, no_proxy(environment))

    def choose(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy for a target, or None. Loopback is never reached through a proxy (Go: httpproxy.useProxy)."""
        proxy = self._by_scheme.get(scheme)
        if proxy is None or self._is_excepted(host.lower().rstrip("."), port):
            return None
        return proxy

    def _is_excepted(self, host: str, port: int) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            address = None
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        for entry in self._exceptions:
            if entry == "*":
                return True
            pattern, has_port, only_port = entry.rpartition(":")
            if has_port and only_port.isdigit() and (":" not in pattern or pattern.startswith("[")):
                if int(only_port) != port:
                    continue
            else:
                pattern = entry
            pattern = pattern.strip("[]")
            if address is not None:
                if _contains(pattern, host):
                    return True
            elif host == pattern or host.endswith("." + pattern.removeprefix("*").lstrip(".")):
                return True
        return False


def _contains(pattern: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(pattern, strict=False)
    except ValueError:
        return False
