"""What the machine says about names: resolv.conf(5) and hosts(5), read again when they change."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from agent.probes._address import ResolvedAddress, parse_literal
from agent.probes._endpoint import DNS_PORT, Endpoint
from agent.probes._files import Files

_MAX_BYTES = 1024 * 1024
_MAX_SERVERS = 3
_MAX_SEARCH = 32

Value = TypeVar("Value")


class ResolvConf(NamedTuple):
    """How to ask for names; the defaults are those of resolv.conf(5).

    search: domains to append to a name with fewer dots than `ndots`. timeout: seconds.
    """

    servers: tuple[Endpoint, ...] = (Endpoint("127.0.0.1", DNS_PORT),)
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout: float = 5.0
    attempts: int = 2

    def candidates(self, name: str) -> list[str]:
        """The absolute names to ask for, in order. A final dot says that the name is absolute already."""
        if name.endswith("."):
            return [name]
        searched = [f"{name}.{domain}" if domain else name for domain in self.search]
        return [name, *searched] if name.count(".") >= self.ndots else [*searched, name]


def parse_resolv_conf(text: str) -> ResolvConf:
    """Reads resolv.conf; what it does not know it ignores, as the C library does."""
    servers: list[Endpoint] = []
    search: tuple[str, ...] = ()
    options = {"ndots": 1, "timeout": 5, "attempts": 2}
    for line in text.splitlines():
        keyword, *values = line.split() or [""]
        if keyword == "nameserver" and values and parse_literal(values[0]):
            servers.append(Endpoint(values[0], DNS_PORT))
        elif keyword in ("search", "domain"):
            search = tuple(domain.strip(".") for domain in values[:_MAX_SEARCH])
        elif keyword == "options":
            for option in values:
                name, _, number = option.partition(":")
                if name in options and number.isascii() and number.isdigit():
                    options[name] = int(number)
    return ResolvConf(
        servers=tuple(servers[:_MAX_SERVERS]) or ResolvConf().servers,
        search=search,
        ndots=min(options["ndots"], 15),
        timeout=float(min(max(options["timeout"], 1), 30)),
        attempts=min(max(options["attempts"], 1), 5),
    )


def parse_hosts(text: str) -> dict[str, list[ResolvedAddress]]:
    """Addresses by lower-case name."""
    hosts: dict[str, list[ResolvedAddress]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        literal = parse_literal(address)
        if literal is None:
            continue
        for name in names:
            known = hosts.setdefault(name.lower().rstrip("."), [])
            if literal not in known:
                known.append(literal)
    return hosts


class WatchedFile(Generic[Value]):
    """What a file says, parsed again when it has changed; a file that cannot be read says nothing."""

    def __init__(self, files: Files, path: Path, parse: Callable[[str], Value]) -> None:
        self._files = files
        self._path = path
        self._parse = parse
        self._version: tuple[int, int, int] | None = None
        self._value = parse("")

    def value(self) -> Value:
        """What the file says now, or said up to a second ago."""
        try:
            version = self._files.version(self._path)
            if version != self._version:
                with self._path.open(encoding="utf-8", errors="replace") as file:
                    self._value = self._parse(file.read(_MAX_BYTES))
                self._version = version
        except OSError:
            if self._version is not None:
                self._version, self._value = None, self._parse("")
        return self._value
