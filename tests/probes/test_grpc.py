"""The grpc probe against a real gRPC server, and against servers that only pretend."""

from __future__ import annotations

import struct
from asyncio import StreamReader, StreamWriter, gather
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import grpc  # type: ignore[import-untyped]
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import StreamEnded
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.core.outcome import Outcome
from agent.core.reasons import Phase, Reason
from agent.probes import settings_of
from agent.probes._connection import TCP_RTT
from agent.probes._door import run_probe
from agent.probes._network import Network
from agent.probes._protobuf import fields, string_field
from agent.probes._tls import CERTIFICATE_EXPIRY
from agent.probes.grpc import GRPC_STATUS_CODE
from tests.probes.bounds import enough_for, probe_in_time
from tests.probes.support import (
    Script,
    answering,
    answering_then_resetting,
    assert_failed,
    assert_up,
    authority,
    ca_file,
    closing,
    dripping,
    endless,
    measured,
    probe,
    refusing,
    resetting,
    saying,
    server_context,
    serving,
    silent,
)

HEALTH = "/grpc.health.v1.Health/Check"
COMPONENT_INFO = ("/meshes.MeshService/ComponentInfo", "/meshes.AdapterService/ComponentInfo")
SETTINGS_FRAME = b"\0\0\0\4\0\0\0\0\0"

Answer = bytes | int
"""A message, or a status code."""
Play = Callable[[H2Connection, int], None]


# A real server

STATUS_OF = {code.value[0]: code for code in grpc.StatusCode}


class Methods(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers each method with a message or a status, and remembers who asked how."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        self.requests: list[tuple[str, bytes]] = []
        self.metadata: dict[str, str] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = handler_call_details.method
        if method not in self.answers:
            return None

        async def answer(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
            self.requests.append((method, request))
            self.metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
            said = self.answers[method]
            if isinstance(said, bytes):
                return said
            context.set_code(STATUS_OF[said])
            context.set_details("because of the test")
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


@asynccontextmanager
async def grpc_server(methods: Methods, *, tls: bool = False) -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((methods,))
    if tls:
        certificate = authority().issue_cert("localhost", "127.0.0.1")
        chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
        credentials = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def ask(answers: Mapping[str, Answer], **settings: object) -> Outcome:
    async with grpc_server(Methods(answers)) as address:
        return await probe({"kind": "grpc", "address": address, **settings})


TOKEN = "s3cret-of-the-test"


@pytest.fixture
def auth(tmp_path: Path) -> dict[str, object]:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    return {"authorization": {"credentials_file": str(token)}}


SERVING, NOT_SERVING, UNKNOWN, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"", b"\x08\x03"

# What the server says, the service that was asked for, whether with credentials: the reason (None: up) and the status
VERDICTS: Sequence[tuple[Answer, str, bool, Reason | None, int]] = (
    (SERVING, "", False, None, 0),
    (SERVING, "ext-auth", False, None, 0),
    (NOT_SERVING, "", False, Reason.NOT_SERVING, 0),
    (UNKNOWN, "", False, Reason.NOT_SERVING, 0),
    (b"\x08\x2a", "", False, Reason.NOT_SERVING, 0),
    (SERVICE_UNKNOWN, "ext-auth", False, Reason.SERVICE_UNKNOWN, 0),
    (b"\xff\xff", "", False, Reason.PROTOCOL_ERROR, 0),
    (5, "ext-auth", False, Reason.SERVICE_UNKNOWN, 5),
    (5, "", False, None, 5),
    (12, "", False, None, 12),
    (12, "ext-auth", False, None, 12),
    (16, "", False, None, 16),
    (16, "", True, Reason.AUTH_REJECTED, 16),
    (7, "", False, None, 7),
    (7, "", True, Reason.AUTH_REJECTED, 7),
    (14, "", False, Reason.GRPC_ERROR, 14),
    (13, "", False, None, 13),
    (13, "ext-auth", False, Reason.GRPC_ERROR, 13),
    (8, "", False, None, 8),
)


@pytest.mark.parametrize(("said", "service", "with_credentials", "reason", "status"), VERDICTS)
async def test_verdicts_of_the_health_service(
    said: Answer, service: str, with_credentials: bool, reason: Reason | None, status: int, auth: dict[str, object]
) -> None:
    outcome = await ask({HEALTH: said}, service=service, **({"auth": auth} if with_credentials else {}))
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)
    assert measured(outcome, GRPC_STATUS_CODE) == status
    assert measured(outcome, TCP_RTT) > 0
    assert TOKEN not in repr(outcome)


async def test_a_server_without_the_health_service_is_up_and_says_so() -> None:
    outcome = await ask({})
    assert_up(outcome)
    assert outcome.detail == "up; it implements no health service (12 UNIMPLEMENTED)"


async def test_the_request_carries_service_credentials_and_trace(auth: dict[str, object]) -> None:
    methods = Methods({HEALTH: SERVING})
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with grpc_server(methods) as address:
        settings = settings_of("grpc").model_validate(
            {"kind": "grpc", "address": address, "service": "ext-auth", "auth": auth}
        )
        outcome = await run_probe(settings.probe(Network()), 5, traceparent)
    assert_up(outcome)
    assert methods.requests == [(HEALTH, bytes.fromhex("0a086578742d61757468"))]
    assert methods.metadata["authorization"] == f"Bearer {TOKEN}"
    assert methods.metadata["traceparent"] == traceparent
    assert methods.metadata["user-agent"].startswith("reachd/")


COMPONENT = string_field(1, "adapter") + string_field(2, "istio") + string_field(3, "v1.2.3") + string_field(4, "abc")
HOSTILE = string_field(2, 'x"\n\x1b[31m' + "y" * 500)

ADAPTERS: Sequence[tuple[Mapping[str, Answer], Sequence[str], Reason | None, str]] = (
    ({COMPONENT_INFO[0]: COMPONENT}, COMPONENT_INFO, None, 'meshes.MeshService is "istio v1.2.3"'),
    ({COMPONENT_INFO[1]: COMPONENT}, COMPONENT_INFO, None, 'meshes.AdapterService is "istio v1.2.3"'),
    (
        {"/meshes.MeshService/MeshName": string_field(1, "Istio")},
        ("/meshes.MeshService/MeshName",),
        None,
        'meshes.MeshService is "Istio"',
    ),
    ({COMPONENT_INFO[0]: b""}, COMPONENT_INFO, None, "meshes.MeshService answers"),
    ({"/a.B/Version": b"\xff"}, ("/a.B/Version",), None, "a.B answers"),
    (
        {},
        COMPONENT_INFO,
        None,
        "up; it implements no /meshes.MeshService/ComponentInfo or /meshes.AdapterService/ComponentInfo"
        " (12 UNIMPLEMENTED)",
    ),
    (
        {COMPONENT_INFO[0]: 13},
        COMPONENT_INFO,
        None,
        'up; it answers 13 INTERNAL: "because of the test"',
    ),
    (
        {COMPONENT_INFO[0]: 14},
        COMPONENT_INFO,
        Reason.GRPC_ERROR,
        'it answers 14 UNAVAILABLE: "because of the test"',
    ),
    (
        {COMPONENT_INFO[0]: HOSTILE},
        COMPONENT_INFO,
        None,
        'meshes.MeshService is "x\\"\\n\\x1b[31m' + "y" * 72 + '"',
    ),
    ({COMPONENT_INFO[0]: b"\xff"}, COMPONENT_INFO, Reason.PROTOCOL_ERROR, "the message is no protobuf: "),
)


@pytest.mark.parametrize(("answers", "methods", "reason", "detail"), ADAPTERS)
async def test_methods_are_tried_in_turn(
    answers: Mapping[str, Answer], methods: Sequence[str], reason: Reason | None, detail: str
) -> None:
    outcome = await ask(answers, methods=list(methods))
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)
    assert outcome.detail.startswith(detail)


async def test_over_tls(tmp_path: Path) -> None:
    async with grpc_server(Methods({HEALTH: SERVING}), tls=True) as address:
        trusted = {"kind": "grpc", "address": address, "tls": {"ca_file": ca_file(tmp_path)}}
        outcome = await probe(trusted)
        assert_up(outcome)
        assert measured(outcome, CERTIFICATE_EXPIRY) > 0
        assert Phase.TLS in outcome.phase_seconds()
        assert_failed(await probe({**trusted, "tls": True}), Reason.TLS_UNTRUSTED)
        assert_up(await probe({**trusted, "tls": {"insecure_skip_verify": True}}))


async def test_over_tls_without_alpn(tmp_path: Path) -> None:
    async with serving(http2(served), tls=server_context()) as server:
        settings = {"kind": "grpc", "address": server.address, "tls": {"ca_file": ca_file(tmp_path)}}
        assert_up(await probe(settings))


async def test_plaintext_and_tls_mistaken_for_each_other(tmp_path: Path) -> None:
    async with grpc_server(Methods({HEALTH: SERVING})) as address:
        assert_failed(await probe({"kind": "grpc", "address": address, "tls": True}, timeout=3), Reason.TLS_NOT_TLS)
    async with serving(silent, tls=server_context()) as server:
        outcome = await probe({"kind": "grpc", "address": server.address})
        assert outcome.reason in (Reason.PROTOCOL_ERROR, Reason.CONNECTION_CLOSED)


# Servers that speak HTTP/2 frame by frame


def http2(play: Play, *, then: Script | None = None) -> Script:
    """Script: an HTTP/2 server that plays `play` with the connection and the stream of each whole request."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False, validate_outbound_headers=False))
        connection.initiate_connection()
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, StreamEnded):
                    play(connection, event.stream_id)
                    writer.write(connection.data_to_send())
                    if then is not None:
                        await then(reader, writer)
                        return
            writer.write(connection.data_to_send())
            await writer.drain()

    return script


def heads(*headers: tuple[str, str], body: bytes = b"", trailers: Sequence[tuple[str, str]] = ()) -> Play:
    """Plays an answer of these headers, body and trailers."""

    def play(connection: H2Connection, stream: int) -> None:
        connection.send_headers(stream, headers, end_stream=not body and not trailers)
        if body:
            connection.send_data(stream, body, end_stream=not trailers)
        if trailers:
            connection.send_headers(stream, trailers, end_stream=True)

    return play


GRPC = (("content-type", "application/grpc"),)
OK = (("grpc-status", "0"),)
SERVING_FRAME = b"\0\0\0\0\2\x08\x01"
served = heads((":status", "200"), *GRPC, body=SERVING_FRAME, trailers=OK)


def farewell(code: ErrorCodes, last: int) -> Play:
    def play(connection: H2Connection, stream: int) -> None:
        connection.close_connection(code, b"max_age\n", last)

    return play


def reset_stream(connection: H2Connection, stream: int) -> None:
    connection.reset_stream(stream, ErrorCodes.REFUSED_STREAM)


def answer_then_farewell(connection: H2Connection, stream: int) -> None:
    served(connection, stream)
    connection.close_connection(ErrorCodes.NO_ERROR, None, stream)


def farewell_then_answer(connection: H2Connection, stream: int) -> None:
    """As a proxy does that retires its connections: GOAWAY for new streams, and the answer to the present one."""
    connection._data_to_send += b"\0\0\x08\x07\0\0\0\0\0" + struct.pack(">II", 2**31 - 1, 0)
    served(connection, stream)


def pushing(connection: H2Connection, stream: int) -> None:
    connection._data_to_send += b"\0\0\x05\x05\x04" + struct.pack(">II", stream, 2) + b"\x82"


HTTP2_CASES: Sequence[tuple[Play, Reason | None, str]] = (
    (served, None, ""),
    (answer_then_farewell, None, ""),
    (farewell_then_answer, None, ""),
    (farewell(ErrorCodes.NO_ERROR, 0), Reason.SHUTTING_DOWN, "the target takes no more calls: GOAWAY"),
    (farewell(ErrorCodes.NO_ERROR, 2**31 - 1), Reason.SHUTTING_DOWN, "the target said GOAWAY and closed"),
    (farewell(ErrorCodes.ENHANCE_YOUR_CALM, 0), Reason.PROTOCOL_ERROR, "the target ended the connection: ENHANCE"),
    (reset_stream, Reason.GRPC_ERROR, "the target reset the call: REFUSED_STREAM"),
    (pushing, Reason.PROTOCOL_ERROR, "not valid HTTP/2"),
    (heads((":status", "200"), *GRPC, ("grpc-status", "12")), None, "up; it implements no health service"),
    (heads((":status", "200"), *GRPC, ("grpc-status", "99")), None, "up; it answers 99 which gRPC does not define"),
    (heads((":status", "200"), *GRPC, ("grpc-status", "up")), Reason.PROTOCOL_ERROR, 'the grpc-status is "up"'),
    (heads((":status", "200"), *GRPC, body=SERVING_FRAME), Reason.PROTOCOL_ERROR, "the target answers HTTP/2 without"),
    (heads((":status", "200"), *GRPC, *OK), Reason.PROTOCOL_ERROR, "status 0 without one whole message"),
    (
        heads((":status", "200"), *GRPC, body=b"\1\0\0\0\2xx", trailers=OK),
        Reason.PROTOCOL_ERROR,
        "status 0 without one whole message",
    ),
    (
        heads((":status", "200"), ("content-type", "text/html"), body=b"<html>"),
        Reason.PROTOCOL_ERROR,
        'the target answers HTTP/2 as "text/html"',
    ),
    (
        heads((":status", "502"), ("content-type", "text/html"), body=b"<h1>Bad Gateway</h1>"),
        Reason.SERVER_ERROR,
        'the answer is 502: "<h1>Bad Gateway</h1>"',
    ),
    (heads((":status", "503"), *GRPC, ("grpc-status", "14")), Reason.GRPC_ERROR, "it answers 14 UNAVAILABLE"),
    (heads((":status", "404")), Reason.STATUS_UNEXPECTED, "the answer is 404"),
    (heads((":status", "429")), Reason.RATE_LIMITED, "the answer is 429"),
    (heads((":status", "307"), ("location", "/x")), Reason.REDIRECT_UNEXPECTED, 'the answer is 307 to "/x"'),
    (heads((":status", "401")), None, "up; it wants authentication (401)"),
    (heads((":status", "abc")), Reason.PROTOCOL_ERROR, 'the target answers with the HTTP status "abc"'),
    (
        heads((":status", "500"), ("content-type", "text/html"), body=b"x" * 16_384),
        Reason.SERVER_ERROR,
        "the answer is",
    ),
    (heads((":status", "200"), *GRPC, ("x", "y" * 30_000)), Reason.RESPONSE_TOO_LARGE, "the answer is longer"),
    (heads((":status", "200"), *[("x", "y" * 4000)] * 20), Reason.PROTOCOL_ERROR, "not valid HTTP/2"),
)


@pytest.mark.parametrize(("play", "reason", "detail"), HTTP2_CASES)
async def test_answers_over_http2(play: Play, reason: Reason | None, detail: str) -> None:
    async with serving(http2(play, then=closing)) as server:
        outcome = await probe({"kind": "grpc", "address": server.address}, timeout=5)
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)
    assert outcome.detail.startswith(detail)


async def test_an_http_status_with_credentials_is_a_rejection(auth: dict[str, object]) -> None:
    async with serving(http2(heads((":status", "401")))) as server:
        outcome = await probe({"kind": "grpc", "address": server.address, "auth": auth})
    assert_failed(outcome, Reason.AUTH_REJECTED)


# Servers that are something else, or hostile

FLOOD_PING = b"\0\0\x08\x06\0\0\0\0\0" + bytes(8)
FLOOD_CONTINUATION = b"\0\0\x01\x09\0\0\0\0\x01\x00"
OTHERS: Sequence[tuple[Script, Reason, str]] = (
    (resetting, Reason.CONNECTION_RESET, ""),
    (closing, Reason.CONNECTION_CLOSED, "the target closed the connection before it spoke HTTP/2"),
    (saying(b"+OK"), Reason.CONNECTION_CLOSED, 'the target closed the connection before it spoke HTTP/2: "+OK"'),
    (answering(SETTINGS_FRAME), Reason.CONNECTION_CLOSED, "the target closed the connection without an answer"),
    (answering_then_resetting(SETTINGS_FRAME), Reason.CONNECTION_RESET, ""),
    (
        answering(b"HTTP/1.1 400 Bad Request\r\n\r\n", stay=True),
        Reason.PROTOCOL_ERROR,
        'the target speaks HTTP/1.1, not HTTP/2: "HTTP/1.1 400 Bad Request\\r\\n\\r\\n"',
    ),
    (
        answering(b"\x15\x03\x01\x00\x02\x02\x46", stay=True),
        Reason.PROTOCOL_ERROR,
        "the target speaks TLS; set tls: true",
    ),
    (saying(b'INFO {"server_id":"x"}\r\n'), Reason.PROTOCOL_ERROR, "the target does not speak HTTP/2: it begins"),
    (saying(FLOOD_PING), Reason.PROTOCOL_ERROR, "the target does not speak HTTP/2: it begins"),
    (endless(SETTINGS_FRAME), Reason.PROTOCOL_ERROR, "the target floods us"),
    (endless(FLOOD_PING, first=SETTINGS_FRAME), Reason.PROTOCOL_ERROR, "the target floods us"),
    (
        endless(FLOOD_CONTINUATION, first=SETTINGS_FRAME + b"\0\0\x01\x01\0\0\0\0\x01\x88"),
        Reason.PROTOCOL_ERROR,
        "not valid HTTP/2",
    ),
    (
        endless(b"\0\x40\0\x0a\0\0\0\0\1" + bytes(16384), first=SETTINGS_FRAME),
        Reason.RESPONSE_TOO_LARGE,
        "the answer is",
    ),
    (endless(b"x" * 65536, first=SETTINGS_FRAME), Reason.RESPONSE_TOO_LARGE, "the answer is longer"),
    (silent, Reason.RESPONSE_TIMEOUT, "no answer came within 0.3 s"),
    (answering(SETTINGS_FRAME, stay=True), Reason.RESPONSE_TIMEOUT, "no answer came within 0.3 s"),
    (dripping(FLOOD_PING, first=SETTINGS_FRAME), Reason.RESPONSE_TIMEOUT, "no answer came within 0.3 s"),
)


@pytest.mark.parametrize(("script", "reason", "detail"), OTHERS)
async def test_other_servers(script: Script, reason: Reason, detail: str) -> None:
    async with serving(script) as server:
        outcome = await probe_in_time({"kind": "grpc", "address": server.address}, enough_for(reason, detail))
    assert_failed(outcome, reason)
    assert outcome.detail.startswith(detail)


async def test_a_body_without_end_is_too_large() -> None:
    def play(connection: H2Connection, stream: int) -> None:
        connection.send_headers(stream, ((":status", "200"), *GRPC))
        for _ in range(4):
            connection.send_data(stream, bytes(16383))

    async with serving(http2(play, then=endless(b"\0\x10\0\0\0\0\0\0\1" + bytes(4096)))) as server:
        assert_failed(await probe({"kind": "grpc", "address": server.address}), Reason.RESPONSE_TOO_LARGE)


async def test_an_answer_that_stops_in_its_middle_ends_in_the_transfer() -> None:
    async with serving(
        http2(lambda connection, stream: connection.send_headers(stream, ((":status", "200"), *GRPC)))
    ) as server:
        outcome = await probe({"kind": "grpc", "address": server.address}, timeout=0.2)
    assert_failed(outcome, Reason.RESPONSE_TIMEOUT)
    assert outcome.phase is Phase.TRANSFER


async def test_nothing_listens() -> None:
    with refusing() as address:
        assert_failed(await probe({"kind": "grpc", "address": address}), Reason.CONNECT_REFUSED)


async def test_many_floods_at_once_cost_little_memory() -> None:
    async with serving(endless(FLOOD_PING, first=SETTINGS_FRAME)) as server:
        await probe({"kind": "grpc", "address": server.address})
        before = getrusage(RUSAGE_SELF).ru_maxrss
        outcomes = await gather(*(probe({"kind": "grpc", "address": server.address}) for _ in range(20)))
        assert getrusage(RUSAGE_SELF).ru_maxrss - before < 20 * 1024
    assert {outcome.reason for outcome in outcomes} == {Reason.PROTOCOL_ERROR}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"address": "adapter:10000", "methods": ["meshes.MeshService/MeshName"]}, "expected a method as /package"),
        ({"address": "adapter:10000", "methods": ["/a/b"], "service": "x"}, "service is for the health service"),
        ({"address": "adapter"}, "expected host:port"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings_of("grpc").model_validate(settings)


# The encoding


@given(st.integers(1, 15), st.text(max_size=300))
def test_a_string_field_is_read_back(number: int, text: str) -> None:
    assert list(fields(string_field(number, text))) == ([(number, text.encode())] if text else [])


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_a_value_error(message: bytes) -> None:
    with suppress(ValueError):
        assert all(number >= 0 for number, _ in fields(message))
