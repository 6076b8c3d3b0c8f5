"""Connects to a NATS server as its clients do."""

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import model_validator

from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.reasons import Phase, Reason
from agent.core.run import ProbeFailure, Run
from agent.core.version import VERSION
from agent.probes._connection import TCP_METRICS, Connection, connect, connect_tls
from agent.probes._endpoint import Endpoint, parse_address
from agent.probes._nats_protocol import Info, Lines, error_failure, judge_info, parse_info, server_name
from agent.probes._network import Network
from agent.probes._settings import Address, ProbeSettings, SecretText, TlsSettings
from agent.probes._text import quote
from agent.probes._tls import TLS_METRICS, tls_identity

_MAX_LINES_BEFORE_PONG = 100
_TLS_FIRST = "the server may want TLS before its INFO, which takes tls_handshake_first"


class NatsSettings(ProbeSettings):
    """Keys of the `nats` probe. At most one way to authenticate: token, user, nkey or credentials file."""

    summary: ClassVar[str] = (
        "Connects to a NATS server: reads its INFO, and with credentials signs in and waits for a PONG."
    )
    metrics: ClassVar[tuple[Metric, ...]] = (*TCP_METRICS, *TLS_METRICS)

    kind: Literal["nats"] = "nats"
    address: Address
    """Host and port for clients, usually 4222."""
    token: SecretText | None = None
    """Token, from the environment only, as ${NAME}."""
    token_file: Path | None = None
    """File with the token."""
    username: str | None = None
    """User to sign in as."""
    password: SecretText | None = None
    """Password of the user, from the environment only, as ${NAME}."""
    password_file: Path | None = None
    """File with the user's password."""
    nkey_file: Path | None = None
    """File with the seed of a user's nkey (SU...)."""
    credentials_file: Path | None = None
    """Credentials file with a user's JWT and nkey seed."""
    tls: TlsSettings | None = None
    """How to verify the server and to identify the agent. Without it TLS is used where the server requires it."""
    tls_handshake_first: bool = False
    """Begin with TLS and read INFO inside it, for a server with `handshake_first` (nats-server 2.10 and newer)."""

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> "NatsSettings":
        ways = {
            "token_file": self.token_file,
            "token": self.token,
            "username": self.username,
            "nkey_file": self.nkey_file,
            "credentials_file": self.credentials_file,
        }
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; keep one")
        passwords = (self.password is not None) + (self.password_file is not None)
        if passwords != (self.username is not None):
            raise ValueError("a user needs username and exactly one of password_file and password")
        return self

    def endpoint(self) -> Endpoint:
        return parse_address(self.address)

    def probe(self, network: Network) -> Probe:
        return NatsProbe(self, network)


Authentication = Callable[[str], dict[str, str]]
"""Gives the part of CONNECT that authenticates, for the server's nonce. Raises ProbeFailure for an unusable file."""


def _authentication(settings: NatsSettings, network: Network) -> Authentication | None:
    files = network.files
    if settings.nkey_file or settings.credentials_file:
        keys = import_module("agent.probes._nats_keys")  # loads libsodium, which only these files need
        if settings.nkey_file:
            return partial(keys.nkey_options, files, settings.nkey_file)
        return partial(keys.credentials_options, files, settings.credentials_file)

    def secret(text: SecretText | None, path: Path | None) -> str:
        return text.get_secret_value() if text else files.secret(path) if path else ""

    if settings.username is not None:
        user = settings.username
        return lambda _: {"user": user, "pass": secret(settings.password, settings.password_file)}
    if settings.token or settings.token_file:
        return lambda _: {"auth_token": secret(settings.token, settings.token_file)}
    return None


class NatsProbe:
    """Reads INFO, which costs the server no line of log; with credentials goes on until the server has accepted them.

    The dial is our own, for nkeys too: nats-py retries a refused port until the caller's timeout and loses the reason.
    """

    def __init__(self, settings: NatsSettings, network: Network) -> None:
        self._endpoint = settings.endpoint()
        self._network = network
        self._tls_wanted = settings.tls is not None
        self._tls_first = settings.tls_handshake_first
        self._identity = tls_identity(settings.tls)
        self._server_name = (settings.tls and settings.tls.server_name) or self._endpoint.host
        self._authenticate = _authentication(settings, network)

    async def run(self, run: Run) -> None:
        with await self._open(run) as connection:
            lines = Lines(connection)
            info = await self._read_info(run, lines)
            judge_info(info)
            await lines.await_refusal(run)
            if not self._tls_first:
                await self._secure(run, connection, info, lines)
            if self._authenticate is not None:
                await self._sign_in(run, connection, lines, info, self._authenticate)
        run.detail = server_name(info)
        if self._authenticate is None and info.get("auth_required") is True:
            run.detail += "; it wants authentication, which was not tried without credentials"

    async def _open(self, run: Run) -> Connection:
        if self._tls_first:
            return await connect_tls(run, self._network, *self._endpoint, self._identity, self._server_name)
        return await connect(run, self._network, *self._endpoint)

    async def _read_info(self, run: Run, lines: Lines) -> Info:
        run.enter(Phase.RESPONSE)
        suspicion = _TLS_FIRST if self._tls_wanted and not self._tls_first else ""
        run.detail = suspicion
        try:
            line = await lines.next(beginning=b"INFO ")
        except ProbeFailure as failure:
            if suspicion and failure.reason is Reason.CONNECTION_CLOSED and not lines.waiting:
                raise ProbeFailure(failure.reason, f"{failure.detail}; {suspicion}") from failure
            raise
        run.detail = ""
        return parse_info(line)

    async def _secure(self, run: Run, connection: Connection, info: Info, lines: Lines) -> None:
        """Upgrades to TLS where the server requires it, or where it is configured."""
        required = info.get("tls_required") is True
        if not (required or self._tls_wanted):
            return
        run.enter(Phase.TLS)
        if not (required or info.get("tls_available") is True):
            raise ProbeFailure(Reason.TLS_NOT_TLS, "tls is configured, but the server offers none in its INFO")
        if lines.waiting:
            raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the server sends {quote(lines.waiting)} where TLS has to begin")
        await connection.start_tls(self._network, self._identity, self._server_name)
        if self._authenticate is None:  # else the answer to PING tells whether the server takes our certificate
            await connection.await_objection()

    async def _sign_in(
        self, run: Run, connection: Connection, lines: Lines, info: Info, authenticate: Authentication
    ) -> None:
        run.enter(Phase.REQUEST)
        nonce = info.get("nonce")
        options: dict[str, object] = {
            "verbose": False,
            "pedantic": False,
            "name": "reachd",
            "lang": "python",
            "version": VERSION,
            "protocol": 1,
            **authenticate(nonce if isinstance(nonce, str) else ""),
        }
        await connection.send(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
        run.enter(Phase.RESPONSE)
        for _ in range(_MAX_LINES_BEFORE_PONG):
            line = await lines.next()
            if line == b"PONG":
                return
            if line == b"PING":
                await connection.send(b"PONG\r\n")
            elif line.startswith(b"INFO "):
                judge_info(parse_info(line))
            elif line.startswith(b"-ERR"):
                raise error_failure(line)
            elif line != b"+OK":
                raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the server answers PING with {quote(line)}")
        raise ProbeFailure(Reason.PROTOCOL_ERROR, f"no PONG within {_MAX_LINES_BEFORE_PONG} lines")


SETTINGS = NatsSettings
