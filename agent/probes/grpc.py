"""Calls a gRPC server: the health service, or methods that only read."""

import json
import re
import shlex
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, model_validator

from agent.core.measures import Metric, MetricType
from agent.core.ports import Probe
from agent.core.reasons import Reason
from agent.core.run import ProbeFailure, Run
from agent.core.version import VERSION
from agent.probes._address import ascii_authority
from agent.probes._connection import TCP_METRICS, Connection, connect, connect_tls
from agent.probes._credentials import authorization
from agent.probes._endpoint import Endpoint, parse_address
from agent.probes._grpc_status import GRPC_STATUS
from agent.probes._http import Response
from agent.probes._http2 import Headers, Http2Answer, Http2Client, StreamResetError
from agent.probes._network import Network
from agent.probes._protobuf import fields, string_field
from agent.probes._settings import Address, AuthSettings, ProbeSettings, TlsSettings
from agent.probes._text import quote
from agent.probes._tls import TLS_METRICS, tls_identity
from agent.probes._verdict import judge_status

GRPC_STATUS_CODE = Metric("probe_grpc_status_code", MetricType.GAUGE, "gRPC status code of the last answer.")

_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING_STATUS = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")  # grpc/health/v1/health.proto
_OK, _NOT_FOUND, _PERMISSION_DENIED, _UNIMPLEMENTED, _UNAVAILABLE, _UNAUTHENTICATED = 0, 5, 7, 12, 14, 16


def _method(value: str) -> str:
    if not re.fullmatch(r"/[A-Za-z_][\w.]*/[A-Za-z_]\w*", value, re.ASCII):
        raise ValueError("expected a method as /package.Service/Method")
    return value


Method = Annotated[str, AfterValidator(_method)]


class GrpcSettings(ProbeSettings):
    """Keys of the `grpc` probe."""

    summary: ClassVar[str] = "Calls a gRPC server's health service, or a method that only reads."
    metrics: ClassVar[tuple[Metric, ...]] = (GRPC_STATUS_CODE, *TCP_METRICS, *TLS_METRICS)

    kind: Literal["grpc"] = "grpc"
    address: Address
    """Host and port of the server."""
    service: str = ""
    """Service whose health to ask for (grpc.health.v1); default: the server's own. The server must know a named one."""
    methods: tuple[Method, ...] = ()
    """Methods to call instead of the health service, in turn until the server implements one. They must only read."""
    tls: bool | TlsSettings = False
    """Use TLS: `true`, or how to verify the target and to identify the agent."""
    auth: AuthSettings | None = None
    """How to authenticate."""

    @model_validator(mode="after")
    def _health_or_methods(self) -> "GrpcSettings":
        if self.service and self.methods:
            raise ValueError("service is for the health service, which methods replace; leave out one of the two")
        return self

    def endpoint(self) -> Endpoint:
        return parse_address(self.address)

    def by_hand(self) -> str:
        """Implements `agent.core.ports.AskedByHand`. Of several methods, the first."""
        method = (self.methods[0] if self.methods else _HEALTH).removeprefix("/")
        plain = [] if self.tls else ["-plaintext"]
        message = ["-d", json.dumps({"service": self.service})] if self.service else []
        return shlex.join(["grpcurl", *plain, *message, str(self.endpoint()), method])

    def probe(self, network: Network) -> Probe:
        return GrpcProbe(self, network)


class GrpcProbe:
    """Calls once with a fresh connection. Any grpc-status proves the port, except 14: a proxy in front says that.

    | status | verdict |
    |---|---|
    | 0 OK | up; of the health service only with SERVING, else not_serving |
    | 5 NOT_FOUND | service_unknown where a service is named, else up |
    | 7 PERMISSION_DENIED, 16 UNAUTHENTICATED | auth_rejected with credentials, else up |
    | 12 UNIMPLEMENTED | up, after all methods were tried |
    | 14 UNAVAILABLE, RST_STREAM | grpc_error |
    | all others | grpc_error where a service is named, since its health stays unknown, else up |
    | none, and an HTTP status that is not 200 | as for the http probe |
    | none at all | protocol_error |
    """

    def __init__(self, settings: GrpcSettings, network: Network) -> None:
        self._settings = settings
        self._network = network
        self._endpoint = settings.endpoint()
        tls = settings.tls
        options = tls if isinstance(tls, TlsSettings) else None
        self._identity = tls_identity(options, ("h2",)) if tls else None
        self._server_name = options.server_name if options else None
        self._health_request = _frame(string_field(1, settings.service))

    async def run(self, run: Run) -> None:
        headers = self._headers(run)
        with await self._open(run) as connection:
            client = Http2Client(run, connection)
            if self._settings.methods:
                await self._ask_methods(run, client, headers)
            else:
                answer = await self._call(run, client, headers, _HEALTH, self._health_request)
                self._judge(run, answer, lambda message: _judge_health(message, self._settings.service))

    async def _ask_methods(self, run: Run, client: Http2Client, headers: Headers) -> None:
        for method in self._settings.methods:
            answer = await self._call(run, client, headers, method, _frame(b""))
            if _status_of(answer) != _UNIMPLEMENTED or client.leaving:
                break
        self._judge(run, answer, lambda message: _introduction(method, message))

    async def _open(self, run: Run) -> Connection:
        host, port = self._endpoint
        if self._identity is None:
            return await connect(run, self._network, host, port)
        return await connect_tls(run, self._network, host, port, self._identity, self._server_name)

    def _headers(self, run: Run) -> Headers:
        """Everything but the method's path, which comes first as all pseudo-headers do."""
        headers = [
            (b":method", b"POST"),
            (b":scheme", b"https" if self._identity else b"http"),
            (b":authority", ascii_authority(str(self._endpoint)).encode()),
            (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
            (b"user-agent", f"reachd/{VERSION}".encode()),
        ]
        if self._settings.auth is not None:
            credentials = authorization(self._settings.auth, self._network.files)
            headers.append((b"authorization", credentials.encode()))
        if run.traceparent:
            headers.append((b"traceparent", run.traceparent.encode()))
        return headers

    async def _call(self, run: Run, client: Http2Client, headers: Headers, method: str, body: bytes) -> Http2Answer:
        try:
            answer = await client.call([(b":path", method.encode()), *headers], body)
        except StreamResetError as error:
            raise ProbeFailure(Reason.GRPC_ERROR, f"the target reset the call: {error.code}") from error
        status = _status_of(answer)
        if status is not None:
            run.measure(GRPC_STATUS_CODE, float(status))
        return answer

    def _judge(self, run: Run, answer: Http2Answer, judge_message: Callable[[bytes], str]) -> None:
        status = _status_of(answer)
        authenticated = self._settings.auth is not None
        if status is None:
            run.detail = self._judge_http(answer)
        elif status == _OK:
            run.detail = judge_message(_message(answer.body))
        elif status == _UNAVAILABLE:
            raise ProbeFailure(Reason.GRPC_ERROR, _said(answer, status))
        elif status in (_UNAUTHENTICATED, _PERMISSION_DENIED):
            if authenticated:
                raise ProbeFailure(Reason.AUTH_REJECTED, _said(answer, status))
            run.detail = f"up; it wants authentication ({status} {GRPC_STATUS[status]})"
        elif status == _UNIMPLEMENTED:
            run.detail = f"up; it implements no {_asked(self._settings.methods)} (12 UNIMPLEMENTED)"
        elif self._settings.service:
            reason = Reason.SERVICE_UNKNOWN if status == _NOT_FOUND else Reason.GRPC_ERROR
            raise ProbeFailure(reason, f"asked for {quote(self._settings.service)}: {_said(answer, status)}")
        else:
            run.detail = f"up; {_said(answer, status)}"

    def _judge_http(self, answer: Http2Answer) -> str:
        """An answer that is not gRPC: what a proxy says, or a web server. Returns a remark where that is up."""
        if answer.status == 200:
            content_type = answer.fields.get("content-type", "")
            what = "without grpc-status" if content_type.startswith("application/grpc") else f"as {quote(content_type)}"
            raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the target answers HTTP/2 {what}: not gRPC")
        raw_fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.fields.items()]
        response = Response(answer.status, raw_fields, answer.body, version="2", truncated=False, remainder=b"")
        return judge_status(response, url=f"http://{self._endpoint}/", authenticated=self._settings.auth is not None)


def _status_of(answer: Http2Answer) -> int | None:
    """The grpc-status, None where there is none. Raises ProbeFailure for one that is no number."""
    text = answer.fields.get("grpc-status")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the grpc-status is {quote(text)}, not a number")
    return int(text)


def _said(answer: Http2Answer, status: int) -> str:
    name = GRPC_STATUS[status] if status < len(GRPC_STATUS) else "which gRPC does not define"
    message = unquote(answer.fields.get("grpc-message", ""))
    return f"it answers {status} {name}" + (f": {quote(message)}" if message else "")


def _asked(methods: tuple[str, ...]) -> str:
    return " or ".join(methods) if methods else "health service"


def _frame(message: bytes) -> bytes:
    """A message with its head: not compressed, four bytes of length (grpc/doc/PROTOCOL-HTTP2.md)."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _message(body: bytes) -> bytes:
    """The one message of a body. Raises ProbeFailure where there is none."""
    if len(body) < 5 or body[0] != 0 or int.from_bytes(body[1:5], "big") != len(body) - 5:
        raise ProbeFailure(Reason.PROTOCOL_ERROR, f"status 0 without one whole message: {quote(body[:40])}")
    return body[5:]


def _judge_health(message: bytes, service: str) -> str:
    code = 0
    for number, value in _fields(message):
        if number == 1 and isinstance(value, int):
            code = value
    status = _SERVING_STATUS[code] if code < len(_SERVING_STATUS) else f"status {code}"
    if status != "SERVING":
        reason = Reason.SERVICE_UNKNOWN if status == "SERVICE_UNKNOWN" else Reason.NOT_SERVING
        raise ProbeFailure(reason, f"the health of {quote(service) if service else 'the server'} is {status}")
    return ""


_INTRODUCES = {"ComponentInfo": (2, 3), "MeshName": (1,)}
"""Fields with name and version in the answers of an adapter (meshery-adapter-library, meshops.proto)."""


def _introduction(method: str, message: bytes) -> str:
    """Which service answered, and what an adapter says it is."""
    _, service, name = method.split("/")
    said = dict(_fields(message)) if name in _INTRODUCES else {}
    parts = (said.get(number) for number in _INTRODUCES.get(name, ()))
    words = b" ".join(part[:80] for part in parts if isinstance(part, bytes) and part)
    return f"{service} is {quote(words, 80)}" if words else f"{service} answers"


def _fields(message: bytes) -> list[tuple[int, int | bytes]]:
    try:
        return list(fields(message))
    except ValueError as error:
        raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the message is no protobuf: {error}") from error


SETTINGS = GrpcSettings
