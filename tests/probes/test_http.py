"""The http probe against scripted and real servers."""

import asyncio
import gzip
import json
import resource
import ssl
import zlib
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Phase, Reason
from agent.core.secrets import CONCEALED, remember
from agent.probes._http import HTTP_VERSION, STATUS_CODE
from agent.probes._network import Network
from agent.probes._proxy import Proxies, Proxy
from agent.probes._resolve import Resolver
from agent.probes._settings import EnvironmentText
from agent.probes._tls import CERTIFICATE_EXPIRY
from tests.probes.bounds import enough_for, two_hundred_in_time
from tests.probes.dns_server import name_server, records
from tests.probes.support import (
    Script,
    answering,
    answering_then_resetting,
    assert_failed,
    assert_phases_add_up,
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
    server_context,
    serving,
    silent,
    unaccepting,
)
from tests.servers.run import nginx, tinyproxy


def reply(status: int = 200, body: bytes | str = b"ok", **headers: str) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    fields = {"Content-Length": str(len(data)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = f"HTTP/1.1 {status} Status\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode() + b"\r\n" + data


def gzipped(body: bytes) -> bytes:
    return reply(body=body, Content_Encoding="gzip")


def settings(address: str, path: str = "/", **keys: Any) -> dict[str, Any]:
    return {"kind": "http", "url": f"http://{address}{path}", **keys}


HELLO = {"body_matches": ["^hello$"]}
DEFLATED = zlib.compress(b"hello")
HELLO_GZIP = gzip.compress(b"hello", mtime=0)
LONG_GZIP = gzip.compress(b"hello" * 2001, mtime=0)
MEMBERS = LONG_GZIP + HELLO_GZIP * 999  # more than is decompressed at a time
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GZIP_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: Chunked\r\n\r\n"
ENDLESS = endless(b"a", first=b"HTTP/1.1 200 OK\r\n\r\n")
JSON = {"expect": {"json": {"a": 1}}}
LOGIN = {"expect": {"login_paths": ["/login"]}}


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        (reply(), {}),
        (reply(204, b""), {}),
        (reply(503), {"expect": {"status": [503]}}),
        (reply(401), {}),
        (reply(403), {"expect": {"forbidden_is_up": True}}),
        (reply(302, Location="/user/login?x=1"), {"expect": {"login_paths": ["/user/login"]}}),
        (reply(303, Location="https://provider.example/login"), {"expect": {"login_paths": ["https://provider.example/"]}}),
        (reply(body="hello world"), {"expect": {"body_matches": ["^hello", "world$"], "body_not_matches": ["error"]}}),
        (reply(X_Version="v1.2"), {"expect": {"headers": {"x-version": r"^v1\."}}}),
        (reply(body='{"a": {"b": [1, "x"]}}'), {"expect": {"json": {"a.b.1": "x", "a.b.0": 1}}}),
        (reply(body=gzip.compress(b"hello", mtime=0), Content_Encoding="gzip"), {"compression": True, "expect": HELLO}),
        (reply(body=zlib.compress(b"hello"), Content_Encoding="deflate"), {"compression": True, "expect": HELLO}),
        (gzipped(MEMBERS), {"expect": {"body_matches": [f"^{'hello' * 3000}$"]}}),
        (gzipped(LONG_GZIP * 2), {"expect": {"body_not_matches": ["x"]}, "max_body": 20010}),
        (gzipped(HELLO_GZIP + b"\0\0"), {"expect": HELLO}),
        (gzipped(HELLO_GZIP + b"\x1f\x8b no member"), {"expect": HELLO}),
        (gzipped(b""), {"expect": {"body_not_matches": ["x"]}}),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", {"expect": {"body_matches": ["end$"]}}),
        (b"HTTP/1.0 200 OK\r\n\r\nold", {}),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello", {"expect": HELLO}),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nzipped", {}),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\nzipped", {}),
        (b"HTTP/1.1 200 OK\nX-A: b\n c\nContent-Length: 2\n\nok", {"expect": {"headers": {"x-a": "^b c$"}}}),
        (b"HTTP/1.1 200 OK\r\nX-A: b\r\n\tc\r\nContent-Length: 5\r\n\r\nhello", {"expect": HELLO}),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", {"expect": HELLO}),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + reply(), {"expect": {"body_matches": ["^ok$"]}}),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + reply(), {"expect": {"body_matches": ["^ok$"]}}),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", {"method": "HEAD"}),
    ],
)  # fmt: skip
async def test_answers_that_are_up(answer: bytes, keys: dict[str, Any]) -> None:
    async with serving(answering(answer)) as server:
        assert_up(await probe(settings(server.address, **keys)))


@pytest.mark.parametrize(
    ("script", "keys", "reason"),
    [
        (closing, {}, Reason.CONNECTION_CLOSED),
        (answering(b""), {}, Reason.CONNECTION_CLOSED),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), {}, Reason.CONNECTION_CLOSED),
        (answering(CHUNKED + b"5\r\nhe"), {}, Reason.CONNECTION_CLOSED),
        (answering(GZIP_CHUNKED + b"5\r\nhello\r\n"), {}, Reason.CONNECTION_CLOSED),
        (resetting, {}, Reason.CONNECTION_RESET),
        (answering_then_resetting(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), {}, Reason.CONNECTION_RESET),
        (silent, {}, Reason.RESPONSE_TIMEOUT),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", stay=True), {}, Reason.RESPONSE_TIMEOUT),
        (dripping(b"H", first=b"HTTP/1.1 200 OK\r\nX: "), {}, Reason.RESPONSE_TIMEOUT),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n"), {}, Reason.PROTOCOL_ERROR),
        (answering(b"\x15\x03\x01\x00\x02\x02F"), {}, Reason.PROTOCOL_ERROR),
        (answering(reply(Content_Encoding="br")), {"expect": {"body_matches": ["ok"]}}, Reason.PROTOCOL_ERROR),
        (answering(reply(Content_Encoding="gzip")), {"expect": {"body_matches": ["ok"]}}, Reason.PROTOCOL_ERROR),
        (answering(gzipped(MEMBERS[:-1])), {"expect": {"body_matches": ["hello"]}}, Reason.CONNECTION_CLOSED),
        (answering(gzipped(HELLO_GZIP[:-8])), {"expect": HELLO}, Reason.CONNECTION_CLOSED),
        (answering(gzipped(HELLO_GZIP + HELLO_GZIP[:2])), {"expect": HELLO}, Reason.CONNECTION_CLOSED),
        (answering(gzipped(HELLO_GZIP * 1001)), {"expect": HELLO}, Reason.RESPONSE_TOO_LARGE),
        (answering(reply(body=DEFLATED[:-4], Content_Encoding="deflate")), {"expect": HELLO}, Reason.CONNECTION_CLOSED),
        (endless(b"X: y\r\n", first=b"HTTP/1.1 200 OK\r\n"), {}, Reason.RESPONSE_TOO_LARGE),
        (endless(b"y", first=CHUNKED + b"1\r\na\r\n0\r\nX: "), {}, Reason.RESPONSE_TOO_LARGE),
        (endless(b"y", first=CHUNKED + b"1;"), {}, Reason.RESPONSE_TOO_LARGE),
        (ENDLESS, {"expect": {"body_matches": ["b"]}}, Reason.RESPONSE_TOO_LARGE),
        (ENDLESS, {"expect": {"body_not_matches": ["b"]}}, Reason.RESPONSE_TOO_LARGE),
        (answering(reply(404)), {}, Reason.STATUS_UNEXPECTED),
        (answering(reply(403)), {}, Reason.STATUS_UNEXPECTED),
        (answering(reply(204, b"")), {"expect": {"status": [200]}}, Reason.STATUS_UNEXPECTED),
        (answering(reply(500)), {}, Reason.SERVER_ERROR),
        (answering(reply(503)), {}, Reason.SERVER_ERROR),
        (answering(reply(429)), {}, Reason.RATE_LIMITED),
        (answering(reply(407)), {}, Reason.PROXY_REFUSED),
        (answering(reply(302, Location="/elsewhere")), LOGIN, Reason.REDIRECT_UNEXPECTED),
        (answering(reply(301, Location="/login")), LOGIN, Reason.REDIRECT_UNEXPECTED),
        (answering(reply(302, Location="/")), {"follow_redirects": True}, Reason.REDIRECT_LOOP),
        (answering(reply(302, Location="ftp://x/")), {"follow_redirects": True}, Reason.REDIRECT_UNEXPECTED),
        (answering(reply(302, Location="http://[::1")), {"follow_redirects": True}, Reason.REDIRECT_UNEXPECTED),
        (answering(reply(body="down")), {"expect": {"body_matches": ["up"]}}, Reason.BODY_MISMATCH),
        (answering(reply(body="an error")), {"expect": {"body_not_matches": ["error"]}}, Reason.BODY_MISMATCH),
        (answering(reply(body="a" * 1_000_000)), {"expect": {"body_matches": ["(a+)+b"]}}, Reason.BODY_MISMATCH),
        (answering(reply(body="not json")), {"expect": {"json": {"a": 1}}}, Reason.BODY_MISMATCH),
        (answering(reply(body="[" * 100_000)), {"expect": {"json": {"a": 1}}}, Reason.BODY_MISMATCH),
        (answering(reply(body="[" + "[]," * 100_000 + "1]")), JSON, Reason.RESPONSE_TOO_LARGE),
        (answering(reply(body='{"a": true}')), {"expect": {"json": {"a": 1}}}, Reason.BODY_MISMATCH),
        (answering(reply(body='{"a": 1}')), {"expect": {"json": {"b": 1}}}, Reason.BODY_MISMATCH),
        (answering(reply()), {"expect": {"headers": {"x-version": "."}}}, Reason.HEADER_MISMATCH),
        (answering(reply(X_Version="v2")), {"expect": {"headers": {"x-version": "v1"}}}, Reason.HEADER_MISMATCH),
    ],
)  # fmt: skip
async def test_answers_that_are_not_up(script: Script, keys: dict[str, Any], reason: Reason) -> None:
    async with serving(script) as server:
        outcome = await probe(settings(server.address, **keys), timeout=enough_for(reason))
    assert_failed(outcome, reason)
    assert outcome.verdict is Verdict.DOWN


@pytest.mark.parametrize(
    ("found", "wanted", "words"),
    [
        (1, "1", 'a is 1, not "1"'),
        ("1", 1, 'a is "1", not 1'),
        ("ok", "fine", 'a is "ok", not "fine"'),
        ('é "x"\n', "é", r'a is "é \"x\"\n", not "é"'),
        (None, True, "a is null, not true"),
        ({"b": ["x", "s3cret-9"]}, "x", f'a is {{"b": ["x", "{CONCEALED}"]}}, not "x"'),
        ("s3cret-9", "x", f'a is "{CONCEALED}", not "x"'),
    ],
)
async def test_a_value_of_json_is_told_as_json_writes_it(found: object, wanted: object, words: str) -> None:
    remember("s3cret-9")
    async with serving(answering(reply(body=json.dumps({"a": found})))) as server:
        outcome = await probe(settings(server.address, expect={"json": {"a": wanted}}))
    assert_failed(outcome, Reason.BODY_MISMATCH)
    assert outcome.detail == words


async def test_a_long_value_of_json_is_cut() -> None:
    async with serving(answering(reply(body=json.dumps({"a": [1] * 500})))) as server:
        outcome = await probe(settings(server.address, expect=JSON["expect"]))
    assert outcome.detail == f"a is {json.dumps([1] * 500)[:160]}…, not 1"


@pytest.mark.parametrize("status", [401, 403])
async def test_rejected_credentials(status: int, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t0ken\n")
    async with serving(answering(reply(status))) as server:
        auth = {"authorization": {"credentials_file": str(token)}}
        outcome = await probe(settings(server.address, auth=auth))
    assert_failed(outcome, Reason.AUTH_REJECTED)
    assert "t0ken" not in outcome.detail


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "keys",
    [
        {"headers": {"Authorization": "Bearer t0ken"}},
        {"headers": {"x-api-key": "t0ken"}},
        {"headers": {"X-Tenant": EnvironmentText("t0ken")}},
        {"cookies": {"id": {"value": EnvironmentText("t0ken")}}},
    ],
)
@pytest.mark.parametrize("kind", ["http", "healthz", "sse", "websocket"])
async def test_credentials_in_headers_and_cookies_are_rejected_too(
    kind: str, keys: dict[str, Any], status: int
) -> None:
    async with serving(answering(reply(status))) as server:
        outcome = await probe({"kind": kind, "url": f"http://{server.address}/", **keys})
    assert_failed(outcome, Reason.AUTH_REJECTED)


async def test_a_literal_cookie_is_no_credential() -> None:
    cookies = {"meshery-provider": {"value": "Local"}}
    async with serving(answering(reply(401))) as server:
        assert_up(await probe(settings(server.address, cookies=cookies, headers={"X-Team": "mesh"})))


def echoing() -> tuple[Script, list[str]]:
    """A server that remembers what it is asked."""
    requests: list[str] = []

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(reply())
        await writer.drain()

    return script, requests


async def test_credentials_are_sent_and_read_again_when_their_file_changes(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("one")
    script, requests = echoing()
    network = Network()
    async with serving(script) as server:
        wanted = settings(
            server.address,
            "/a|b?q=ü",
            headers={"X-Team": "mesh"},
            cookies={"meshery-provider": {"value": "Local"}, "token": {"value_file": str(password)}},
            auth={"basic_auth": {"username": "me", "password_file": str(password)}},
        )
        assert_up(await probe(wanted, network=network))
        password.write_text("pass-2")
        async with asyncio.timeout(30):
            while "token=pass-2" not in requests[-1]:
                assert_up(await probe(wanted, network=network))
                await asyncio.sleep(0.05)
    assert requests[0].startswith("GET /a%7Cb?q=%C3%BC HTTP/1.1\r\n")
    assert f"Host: {server.address}\r\n" in requests[0]
    assert "X-Team: mesh\r\n" in requests[0]
    assert "Cookie: meshery-provider=Local; token=one\r\n" in requests[0]
    assert "Authorization: Basic bWU6b25l\r\n" in requests[0]
    assert "Connection: close\r\n" in requests[0]


@pytest.mark.parametrize(
    "keys",
    [
        {"cookies": {"token": {"value_file": "FILE"}}},
        {"auth": {"authorization": {"credentials_file": "FILE"}}},
    ],
)
async def test_a_secret_of_several_lines_is_not_sent_until_it_has_one(keys: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret-1\r\nX-Other: s3cret-2\n")
    given = json.loads(json.dumps(keys).replace("FILE", str(file)))
    script, requests = echoing()
    network = Network()
    async with serving(script) as server:
        outcome = await probe(settings(server.address, **given), network=network)
        assert requests == []
        file.write_text("s3cret-3\n")
        async with asyncio.timeout(30):
            while not requests:
                mended = await probe(settings(server.address, **given), network=network)
                await asyncio.sleep(0.05)
    assert_failed(outcome, Reason.PERMISSION_DENIED)
    assert outcome.detail.startswith(f"the secret in the file {file} cannot be sent: it holds a line break")
    assert "s3cret" not in outcome.detail
    assert_up(mended)
    assert "s3cret-3\r\n" in requests[0]


async def test_a_password_of_several_lines_is_sent_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("a\nb")
    script, requests = echoing()
    async with serving(script) as server:
        auth = {"basic_auth": {"username": "me", "password_file": str(file)}}
        assert_up(await probe(settings(server.address, auth=auth)))
    assert "Authorization: Basic bWU6YQpi\r\n" in requests[0]


async def test_a_configured_header_takes_the_place_of_the_agents_own_however_it_is_written() -> None:
    script, requests = echoing()
    async with serving(script) as server:
        assert_up(await probe(settings(server.address, headers={"host": "other.test", "ACCEPT": "text/html"})))
    names = [line.partition(":")[0].lower() for line in requests[0].splitlines()[1:-1]]
    assert len(names) == len(set(names))
    assert "Host: other.test\r\n" in requests[0]
    assert "Accept: text/html\r\n" in requests[0]


async def test_a_configured_host_does_not_lead_a_proxy_elsewhere() -> None:
    script, requests = echoing()
    async with serving(script) as server:
        network = Network(proxies=Proxies(http=Proxy(server.host, server.port, "")))
        wanted = {"kind": "http", "url": "http://meshery.invalid/", "headers": {"Host": "other.test"}}
        assert_up(await probe(wanted, network=network))
    assert requests[0].startswith("GET http://meshery.invalid/ HTTP/1.1\r\n")


async def test_a_missing_secret_is_the_agents_fault(tmp_path: Path) -> None:
    auth = {"authorization": {"credentials_file": str(tmp_path / "none")}}
    async with serving(answering(reply())) as server:
        outcome = await probe(settings(server.address, auth=auth))
    assert_failed(outcome, Reason.PERMISSION_DENIED)
    assert outcome.verdict is Verdict.UNKNOWN


async def test_redirects_are_followed_without_credentials_to_another_host(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t0ken")
    script, requests = echoing()
    async with (
        serving(script) as other,
        serving(answering(reply(302, Location=f"http://{other.address}/there"))) as first,
    ):
        auth = {"authorization": {"credentials_file": str(token)}}
        assert_up(await probe(settings(first.address, auth=auth, follow_redirects=True)))
    assert requests[0].startswith("GET /there ")
    assert "Authorization" not in requests[0]


CREDENTIALS: dict[str, Any] = {"headers": {"Authorization": "Bearer t0ken"}}


@pytest.mark.parametrize(
    ("status", "keys", "verdict"),
    [
        (401, CREDENTIALS, Verdict.UNKNOWN),
        (403, CREDENTIALS, Verdict.UNKNOWN),
        (403, {**CREDENTIALS, "expect": {"forbidden_is_up": True}}, Verdict.UNKNOWN),
        (401, {**CREDENTIALS, "expect": {"status": [200]}}, Verdict.UNKNOWN),
        (401, {**CREDENTIALS, "expect": {"status": [401]}}, Verdict.UP),
        (404, CREDENTIALS, Verdict.DOWN),
        (401, {}, Verdict.UP),
        (403, {}, Verdict.DOWN),
    ],
)
async def test_who_asks_for_credentials_that_were_held_back_gives_no_verdict(
    status: int, keys: dict[str, Any], verdict: Verdict
) -> None:
    async with (
        serving(answering(reply(status))) as other,
        serving(answering(reply(302, Location=f"http://{other.address}/there"))) as first,
    ):
        outcome = await probe(settings(first.address, follow_redirects=True, **keys))
    assert outcome.verdict is verdict
    if verdict is Verdict.UNKNOWN:
        assert outcome.reason is None
        assert outcome.detail == (
            f"the answer is {status}, to a request without the credentials, which stay with the origin of the url; "
            f'after a redirect to "http://{other.address}/there"'
        )
        assert "point the url at the final address" in outcome.advice


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/café?q=ü".encode(), "/caf%C3%A9?q=%C3%BC"),
        ("/café?q=ü".encode("latin-1"), "/caf%E9?q=%FC"),
        (b"/caf%C3%A9", "/caf%C3%A9"),
    ],
)
async def test_a_redirect_leads_to_the_bytes_of_its_location(location: bytes, path: str) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://%s%s\r\n\r\n"
    script, requests = echoing()
    async with (
        serving(script) as other,
        serving(answering(redirect % (other.address.encode(), location))) as first,
    ):
        assert_up(await probe(settings(first.address, follow_redirects=True)))
    assert requests[0].startswith(f"GET {path} HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("HEAD", 301, "HEAD"),
        ("HEAD", 303, "HEAD"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("PUT", 303, "GET"),
        ("PUT", 308, "PUT"),
    ],
)
async def test_the_method_after_a_redirect_is_that_of_browsers(method: str, status: int, then: str) -> None:
    script, requests = echoing()
    async with (
        serving(script) as other,
        serving(answering(reply(status, Location=f"http://{other.address}/"))) as first,
    ):
        assert_up(await probe(settings(first.address, method=method, follow_redirects=True)))
    assert requests[0].startswith(f"{then} / ")


async def test_a_name_beyond_ascii_is_asked_for_as_dns_and_certificates_have_it() -> None:
    script, requests = echoing()
    async with serving(script) as server, name_server({"xn--bcher-kva.test": records("@ A 127.0.0.1")}) as names:
        network = Network(Resolver(servers=[names.server]))
        assert_up(await probe(settings(f"bücher.test:{server.port}"), network=network))
        proxied = Network(proxies=Proxies(Proxy("127.0.0.1", server.port, "")))
        assert_up(await probe(settings("bücher.test"), network=proxied))
        tunnel = Network(proxies=Proxies(https=Proxy("127.0.0.1", server.port, "")))
        await probe({"kind": "http", "url": "https://bücher.test/"}, network=tunnel)
    assert f"\r\nHost: xn--bcher-kva.test:{server.port}\r\n" in requests[0]
    assert requests[2].startswith("CONNECT xn--bcher-kva.test:443 HTTP/1.1\r\nHost: xn--bcher-kva.test:443\r\n")
    assert requests[1].startswith("GET http://xn--bcher-kva.test/ HTTP/1.1\r\nHost: xn--bcher-kva.test\r\n")


async def test_a_sign_in_path_beyond_ascii_is_known() -> None:
    async with serving(answering(reply(302, Location="/zugang/prüfen"))) as server:
        assert_up(await probe(settings(server.address, expect={"login_paths": ["/zugang/prü"]})))


async def test_a_redirect_that_cannot_be_followed_is_told_as_the_server_wrote_it() -> None:
    async with serving(answering(reply(302, Location="ftp://bücher/"))) as server:
        outcome = await probe(settings(server.address, follow_redirects=True))
    assert_failed(outcome, Reason.REDIRECT_UNEXPECTED)
    assert outcome.detail == 'the answer redirects to "ftp://bücher/"'


async def test_a_redirect_back_to_the_first_origin_is_followed_with_credentials_again() -> None:
    async def home(reader: StreamReader, writer: StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        authorized = b"Authorization: Bearer t0ken\r\n" in request
        back = request.startswith(b"GET /back ")
        writer.write(reply(403 if authorized else 401) if back else reply(302, Location=f"http://{other.address}/"))
        await writer.drain()

    async def away(reader: StreamReader, writer: StreamWriter) -> None:
        await answering(reply(302, Location=f"http://{first.address}/back"))(reader, writer)

    async with serving(away) as other, serving(home) as first:
        outcome = await probe(settings(first.address, follow_redirects=True, **CREDENTIALS))
    assert_failed(outcome, Reason.AUTH_REJECTED)
    assert "403" in outcome.detail


@pytest.mark.parametrize("script", [answering(reply(500)), closing, silent, answering(reply(302, Location="ftp://x/"))])
async def test_a_failure_after_a_redirect_names_the_place(script: Script) -> None:
    async with (
        serving(script) as other,
        serving(answering(reply(302, Location=f"http://{other.address}/there"))) as first,
    ):
        outcome = await probe(settings(first.address, follow_redirects=True), timeout=0.5)
        itself = await probe(settings(other.address, follow_redirects=True), timeout=0.5)
    assert outcome.detail == f'{itself.detail}; after a redirect to "http://{other.address}/there"'
    assert outcome.redirected == f"http://{other.address}/there"
    assert itself.redirected == ""
    assert outcome.peer == other.address


async def test_what_was_connected_before_a_redirect_is_not_named_where_the_next_place_is_not_reached() -> None:
    with refusing() as nowhere:
        async with serving(answering(reply(302, Location=f"http://{nowhere}/"))) as first:
            outcome = await probe(settings(first.address, follow_redirects=True))
    assert_failed(outcome, Reason.CONNECT_REFUSED)
    assert outcome.detail == f'Connection refused; after a redirect to "http://{nowhere}/"'
    assert outcome.peer == ""


async def test_the_page_to_which_a_redirect_leads_is_named_without_what_is_secret(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t0ken-of-the-agent")
    auth = {"authorization": {"credentials_file": str(token)}}
    there = f"/login/t0ken-of-the-agent/{'r' * 5000}?signature=s3cret"

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        user = f"http://someone:s3cret@{server.address}{there}#id_token=s3cret"
        writer.write(reply(404) if asked.startswith(b"GET /login") else reply(302, Location=user))

    async with serving(script) as server:
        outcome = await probe(settings(server.address, auth=auth, follow_redirects=True))
    assert_failed(outcome, Reason.STATUS_UNEXPECTED)
    shown = f"http://{server.address}/login/<secret>/r"
    assert outcome.detail.startswith(f'the answer is 404: "ok"; after a redirect to "{shown}')
    assert outcome.redirected.startswith(shown)
    assert "s3cret" not in outcome.detail
    assert "t0ken" not in outcome.detail
    assert len(outcome.detail) < 700


@pytest.mark.parametrize("host", ["[fe80::1%25lo]", "[fe80::1%25no-such]", "[::1%lo]"])
async def test_a_target_names_no_interface_of_this_machine(host: str) -> None:
    async with serving(answering(reply(302, Location=f"http://{host}/"))) as server:
        outcome = await probe(settings(server.address, follow_redirects=True))
    assert_failed(outcome, Reason.REDIRECT_UNEXPECTED)


async def test_a_redirect_to_a_link_local_address_is_no_fault_of_the_agent() -> None:
    async with serving(answering(reply(302, Location="http://[fe80::1]/"))) as server:
        outcome = await probe(settings(server.address, follow_redirects=True))
    assert_failed(outcome, Reason.CONNECT_UNREACHABLE)
    assert outcome.verdict is Verdict.DOWN


async def test_too_many_redirects_are_told_once() -> None:
    async with serving(answering(reply(302, Location="/"))) as server:
        outcome = await probe(settings(server.address, follow_redirects=True))
    assert outcome.detail == f'more than 10 redirects, the last to "http://{server.address}/"'


async def test_a_target_cannot_redirect_to_a_name_that_fills_pages() -> None:
    async with name_server({}) as names, serving(answering(reply(302, Location=f"http://{'a.' * 30000}"))) as server:
        network = Network(Resolver(servers=[names.server]))
        outcome = await probe(settings(server.address, follow_redirects=True), network=network)
    assert_failed(outcome, Reason.REDIRECT_UNEXPECTED)
    assert len(outcome.detail) < 400
    location = f'http://{"a." * 60}\u00e9"<b>.test/'
    async with name_server({}) as names, serving(answering(reply(302, Location=location))) as server:
        network = Network(Resolver(servers=[names.server]))
        outcome = await probe(settings(server.address, follow_redirects=True), network=network)
    assert_failed(outcome, Reason.DNS_NXDOMAIN)
    assert len(outcome.detail) < 700
    assert outcome.detail.isprintable()


async def test_another_host_is_verified_by_its_own_name_and_sees_no_client_certificate(tmp_path: Path) -> None:
    shown: list[object] = []

    async def asking_who_is_there(reader: StreamReader, writer: StreamWriter) -> None:
        shown.append(writer.get_extra_info("peercert"))
        await answering(reply())(reader, writer)

    contexts = server_context("front.test"), server_context()
    for context in contexts:
        context.verify_mode = ssl.CERT_OPTIONAL
        authority().configure_trust(context)
    client = tmp_path / "client.pem"
    authority().issue_cert("client").private_key_and_cert_chain_pem.write_to_path(str(client))
    async with serving(asking_who_is_there, tls=contexts[1]) as other:
        redirect = answering(reply(302, Location=f"https://localhost:{other.port}/"))
        async with serving(redirect, tls=contexts[0]) as first:
            tls = {"ca_file": ca_file(tmp_path), "server_name": "front.test", "cert_file": str(client)}
            wanted = {"kind": "http", "url": f"https://{first.address}/", "tls": tls, "follow_redirects": True}
            assert_up(await probe(wanted))
    assert shown in ([None], [{}])


async def test_the_address_policy_holds_on_every_redirect() -> None:
    network = Network(forbidden=(ip_network("127.0.0.2/32"),))
    async with serving(answering(reply(302, Location="http://127.0.0.2:1/"))) as server:
        outcome = await probe(settings(server.address, follow_redirects=True), network=network)
    assert_failed(outcome, Reason.ADDRESS_FORBIDDEN)


FORBIDDEN = ["169.254.169.254", "169.254.169.254.", "[::ffff:169.254.169.254]", "0xa9fea9fe", "169.254.43518"]


@pytest.mark.parametrize("host", FORBIDDEN)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_address_policy_holds_through_a_proxy_and_on_every_redirect(scheme: str, host: str) -> None:
    async with serving(answering(reply(302, Location=f"{scheme}://{host}/"))) as server:
        proxy = Proxy(server.host, server.port, "")
        network = Network(proxies=Proxies(http=proxy, https=proxy), forbidden=(ip_network("169.254.0.0/16"),))
        direct = await probe({"kind": "http", "url": f"{scheme}://{host}/"}, network=network)
        assert server.connections == 0
        wanted = {"kind": "http", "url": "http://meshery.invalid/", "follow_redirects": True}
        redirected = await probe(wanted, network=network)
        assert server.connections == 1
    assert_failed(direct, Reason.ADDRESS_FORBIDDEN)
    assert_failed(redirected, Reason.ADDRESS_FORBIDDEN)
    assert "169.254" in direct.detail


async def test_phases_and_facts_of_a_tls_run(tmp_path: Path) -> None:
    async with serving(answering(reply()), tls=server_context()) as server:
        url = f"https://localhost:{server.port}/"
        outcome = await probe({"kind": "http", "url": url, "tls": {"ca_file": ca_file(tmp_path)}})
    assert_up(outcome)
    assert list(outcome.phase_seconds()) == list(Phase)
    assert measured(outcome, STATUS_CODE) == 200
    assert measured(outcome, HTTP_VERSION) == 1.1
    assert measured(outcome, CERTIFICATE_EXPIRY) > outcome.started
    assert outcome.peer == server.address


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BAD = b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"
EARLY = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
TWO_LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (BAD + OK, 503),
        (OK + BAD, 200),
        (OK + b"\n<!-- more -->", 200),
        (b"HTTP/1.1 204 OK\r\n\r\n{}", 204),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok", 304),
        (EARLY + OK, 200),
        (EARLY + OK + BAD, 200),
        (CHUNKED + BAD, 200),
    ],
)
@pytest.mark.parametrize("cut", [None, 7, 60])
async def test_what_follows_the_answer_counts_for_nothing(answer: bytes, status: int, cut: int | None) -> None:
    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in (answer[:cut], answer[cut:] if cut else b""):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.005)  # so that the parts come one by one

    async with serving(script) as server:
        outcome = await probe(settings(server.address, expect={"status": [status], "body_not_matches": ["no"]}))
    if status == 503:
        assert_failed(outcome, Reason.BODY_MISMATCH)
    else:
        assert_up(outcome)
    assert measured(outcome, STATUS_CODE) == status


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nX-A : b\r\n\r\nok", "the answer breaks the rules of HTTP (Invalid header token)"),
        (TWO_LENGTHS, "(Transfer-Encoding can't be present with Content-Length)"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "(Duplicate Content-Length)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the answer is not HTTP: it begins"),
    ],
)
async def test_answers_that_break_the_rules(answer: bytes, words: str) -> None:
    async with serving(answering(answer)) as server:
        outcome = await probe(settings(server.address))
    assert_failed(outcome, Reason.PROTOCOL_ERROR)
    assert words in outcome.detail


async def test_a_header_is_compared_as_it_came_and_shown_as_it_is_meant() -> None:
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Colour: grün\r\n\r\n".encode()
    async with serving(answering(answer)) as server:
        assert_up(await probe(settings(server.address, expect={"headers": {"X-Colour": "^gr.n$"}})))
        outcome = await probe(settings(server.address, expect={"headers": {"X-Colour": "blau"}}))
    assert_failed(outcome, Reason.HEADER_MISMATCH)
    assert '"grün"' in outcome.detail


@pytest.mark.parametrize("script", [answering, answering_then_resetting])
@pytest.mark.parametrize("head", [b"Content-Length: 99\r\n", b"Transfer-Encoding: chunked\r\n", b""])
async def test_of_an_error_page_what_has_come_is_enough(script: Callable[[bytes], Script], head: bytes) -> None:
    page = b"4\r\nfull" if b"chunked" in head else b"full"
    async with serving(script(b"HTTP/1.1 503 Service Unavailable\r\n" + head + b"\r\n" + page)) as server:
        outcome = await probe(settings(server.address))
    assert_failed(outcome, Reason.SERVER_ERROR)
    assert outcome.detail == 'the answer is 503: "full"'
    assert measured(outcome, STATUS_CODE) == 503


@pytest.mark.parametrize("script", [answering, answering_then_resetting])
@pytest.mark.parametrize(
    ("status", "expect"),
    [("404 Not Found", {"status": [404], "body_not_matches": ["secret"]}), ("401 Unauthorized", {})],
)
async def test_an_answer_that_was_cut_short_is_not_up(
    script: Callable[[bytes], Script], status: str, expect: dict[str, object]
) -> None:
    async with serving(script(f"HTTP/1.1 {status}\r\nContent-Length: 99\r\n\r\nhalf".encode())) as server:
        outcome = await probe(settings(server.address, expect=expect))
    assert_failed(outcome, Reason.CONNECTION_CLOSED)
    assert outcome.detail == f"the target closed the connection in the middle of its answer ({status[:3]})"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([b"HTTP/1.1 200 OK\r\n", b"X-A : b\r\n\r\n"], 'the rules of HTTP (Invalid header token) at "X-A : b'),
        ([b"H", b"ELO mail.example.com\r\n"], 'the answer is not HTTP: it begins "HELO mail.example.com'),
    ],
)
async def test_a_broken_answer_in_parts_is_told_by_its_beginning(parts: list[bytes], words: str) -> None:
    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(script) as server:
        outcome = await probe(settings(server.address))
    assert_failed(outcome, Reason.PROTOCOL_ERROR)
    assert words in outcome.detail


async def test_the_timeout_bounds_two_hundred_hung_runs_at_once() -> None:
    async with serving(silent) as mute, serving(dripping(b"x", first=b"HTTP/1.1 200 OK\r\n\r\n")) as slow:
        outcomes = await two_hundred_in_time(settings(mute.address), settings(slow.address))
    assert {outcome.reason for outcome in outcomes} == {Reason.RESPONSE_TIMEOUT}
    for outcome in outcomes:
        assert_phases_add_up(outcome)


async def test_a_huge_answer_costs_little_memory() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n"
    async with serving(endless(b"a" * 65536, first=head)) as server:
        wanted = settings(server.address)
        assert_up(await probe(wanted))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(5):
            assert_up(await probe(wanted))
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5 * 1024


async def test_a_compression_bomb_is_bounded() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    async with serving(answering(reply(body=bomb, Content_Encoding="gzip"))) as server:
        outcome = await probe(settings(server.address, compression=True, expect={"body_matches": ["x"]}))
    assert_failed(outcome, Reason.RESPONSE_TOO_LARGE)


async def test_hostile_text_is_escaped_and_bounded() -> None:
    hostile = "<script>alert(1)</script>\x1b[31m\x00\u202e" + "x" * 5000
    async with serving(answering(reply(500, hostile))) as server:
        detail = (await probe(settings(server.address))).detail
    assert len(detail) < 400
    assert detail.isprintable()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there_is_no_fault_of_the_target(scheme: str) -> None:
    with refusing() as nowhere:
        host, _, port = nowhere.partition(":")
        proxy = Proxy(host, int(port), "")
        network = Network(proxies=Proxies(http=proxy, https=proxy))
        outcome = await probe({"kind": "http", "url": f"{scheme}://meshery.invalid/"}, network=network)
    assert_failed(outcome, Reason.PROXY_REFUSED)
    assert outcome.detail == f"the proxy {nowhere} takes no connections: Connection refused"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_whose_name_does_not_exist_is_no_fault_of_the_target(scheme: str) -> None:
    async with name_server({}) as names:
        proxy = Proxy("proxy.test", 3128, "")
        network = Network(Resolver(servers=[names.server]), Proxies(http=proxy, https=proxy))
        outcome = await probe({"kind": "http", "url": f"{scheme}://meshery.invalid/"}, network=network)
    assert_failed(outcome, Reason.PROXY_REFUSED)
    assert outcome.detail.startswith("the proxy proxy.test:3128 cannot be found: proxy.test does not exist")
    assert outcome.phase is Phase.RESOLVE


async def test_a_proxy_that_takes_no_connection_in_time_is_named() -> None:
    with unaccepting() as nowhere:
        host, _, port = nowhere.partition(":")
        network = Network(proxies=Proxies(http=Proxy(host, int(port), "")))
        outcome = await probe({"kind": "http", "url": "http://meshery.invalid/"}, timeout=0.3, network=network)
    assert_failed(outcome, Reason.PROXY_REFUSED)
    assert outcome.detail == f"the connection was not accepted within 0.3 s; through the proxy {nowhere}"


async def test_a_proxy_that_policy_forbids_is_the_agents_own_matter() -> None:
    network = Network(proxies=Proxies(http=Proxy("127.0.0.1", 9, "")), forbidden=(ip_network("127.0.0.0/8"),))
    outcome = await probe({"kind": "http", "url": "http://meshery.invalid/"}, network=network)
    assert_failed(outcome, Reason.ADDRESS_FORBIDDEN)
    assert outcome.detail.endswith("; through the proxy 127.0.0.1:9")


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (reply(407, ""), Reason.PROXY_REFUSED, "the proxy {proxy} answers itself, as the status shows: 407"),
        (
            reply(503, "down", X_Squid_Error="ERR_CONNECT_FAIL 111"),
            Reason.PROXY_REFUSED,
            'the proxy {proxy} answers itself, as X-Squid-Error shows: 503: "down"',
        ),
        (
            reply(403, "no", Server="squid/5.7"),
            Reason.PROXY_REFUSED,
            'the proxy {proxy} answers itself, as the Server header shows: 403: "no"',
        ),
        (reply(404, "no", Server="squid/5.7"), Reason.STATUS_UNEXPECTED, 'the answer is 404: "no"; {through}'),
        (reply(503, "no", Via="1.1 squid"), Reason.SERVER_ERROR, 'the answer is 503: "no"; {through}'),
        (reply(503, "no", X_Cache="MISS from squid"), Reason.SERVER_ERROR, 'the answer is 503: "no"; {through}'),
        (reply(403, "no", Server="nginx"), Reason.STATUS_UNEXPECTED, 'the answer is 403: "no"; {through}'),
    ],
)
async def test_an_answer_through_a_proxy_is_its_own_where_it_says_so(answer: bytes, reason: Reason, words: str) -> None:
    async with serving(answering(answer)) as server:
        network = Network(proxies=Proxies(http=Proxy(server.host, server.port, "")))
        outcome = await probe({"kind": "http", "url": "http://meshery.invalid/"}, network=network)
        direct = await probe(settings(server.address))
    assert_failed(outcome, reason)
    assert outcome.detail == words.format(proxy=server.address, through=f"through the proxy {server.address}")
    assert "through" not in direct.detail  # without a proxy, such an answer is the target's


@pytest.mark.servers("tinyproxy", "nginx")
async def test_answers_through_a_real_proxy() -> None:
    target = 'server { listen 127.0.0.1:PORT; location /down { return 503 "down"; } location / { return 200 "up"; } }'
    with nginx(target) as web, tinyproxy(f'Upstream http {web.address} "meshery.test"') as server:
        network = Network(proxies=Proxies(http=Proxy("127.0.0.1", server.port, "")))

        async def ask(url: str) -> Outcome:
            return await probe({"kind": "http", "url": url}, network=network)

        assert_up(await ask("http://meshery.test/"))
        down = await ask("http://meshery.test/down")
        unreachable = await ask("http://meshery.invalid/")
    assert_failed(down, Reason.SERVER_ERROR)
    assert down.detail == f'the answer is 503: "down"; through the proxy 127.0.0.1:{server.port}'
    assert_failed(unreachable, Reason.PROXY_REFUSED)
    assert unreachable.detail.startswith(f"the proxy 127.0.0.1:{server.port} answers itself, as the Server header")


@pytest.mark.parametrize("answer", [reply(403), reply(407), reply(502), b"not http\r\n\r\n"])
async def test_a_proxy_that_refuses_to_connect(answer: bytes) -> None:
    async with serving(answering(answer)) as server:
        network = Network(proxies=Proxies(https=Proxy("127.0.0.1", server.port, "")))
        outcome = await probe({"kind": "http", "url": "https://meshery.invalid/"}, network=network)
    assert_failed(outcome, Reason.PROXY_REFUSED)
    assert outcome.phase is Phase.CONNECT


@pytest.mark.servers("tinyproxy")
async def test_through_a_real_proxy(tmp_path: Path) -> None:
    with tinyproxy("BasicAuth me s3cret") as server:
        async with serving(answering(reply()), tls=server_context("meshery.localhost")) as target:
            proxy = Proxy("127.0.0.1", server.port, "me:s3cret")
            url = f"https://meshery.localhost:{target.port}/"
            wanted = {"kind": "http", "url": url, "tls": {"ca_file": ca_file(tmp_path)}}
            resolved = await probe(wanted, network=Network(proxies=Proxies(https=proxy)))
            refused = await probe(wanted, network=Network(proxies=Proxies(https=proxy._replace(credentials="me:no"))))
    assert resolved.reason in (None, Reason.PROXY_REFUSED)  # whether the proxy knows *.localhost is the system's matter
    assert_failed(refused, Reason.PROXY_REFUSED)


@pytest.mark.servers("nginx")
async def test_a_real_server() -> None:
    with nginx(
        "server { listen 127.0.0.1:PORT; location / { return 200 ok; } location /no { return 502; } }"
    ) as server:
        good = await probe(settings(server.address, expect={"body_matches": ["^ok$"]}))
        bad = await probe(settings(server.address, "/no"))
        server.stop()
        gone = await probe(settings(server.address))
    assert_up(good)
    assert_failed(bad, Reason.SERVER_ERROR)
    assert_failed(gone, Reason.CONNECT_REFUSED)
