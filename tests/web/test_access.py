"""Who may change something: authentication, loopback, and requests that foreign pages make browsers send."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector, encode_basic_auth

from agent.probes._settings import BasicAuthSettings
from agent.settings.model import Web
from agent.web.access import is_loopback
from tests.servers.run import nginx
from tests.web.support import Agent, Board, Faults, check, listening

OWN = "{host}"
"""Stands for the Host that the client really means."""

REQUESTS = [
    ("a program on this machine", {}, 200),
    ("our own page", {"Origin": f"http://{OWN}"}, 200),
    ("our own page, in a browser that says so", {"Origin": f"http://{OWN}", "Sec-Fetch-Site": "same-origin"}, 200),
    ("typed by hand", {"Sec-Fetch-Site": "none"}, 200),
    ("another name of loopback", {"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
    ("loopback in IPv6", {"Host": "[::1]:1", "Origin": "http://[::1]:1"}, 200),
    ("another address of loopback", {"Host": "127.0.0.2:1"}, 200),
    ("a foreign page", {"Origin": "https://evil.example"}, 403),
    ("a page on another port", {"Origin": "http://127.0.0.1:1"}, 403),
    ("a page without origin", {"Origin": "null"}, 403),
    ("an origin that is none", {"Origin": "http://[::1"}, 403),
    ("an empty origin", {"Origin": ""}, 403),
    ("a foreign form, by an old browser's other sign", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("a sibling site", {"Sec-Fetch-Site": "same-site"}, 403),
    ("a foreign name that leads to loopback", {"Host": "rebound.evil.example"}, 403),
    (
        "the same, from its own page",
        {"Host": "rebound.evil.example:1", "Origin": "http://rebound.evil.example:1", "Sec-Fetch-Site": "same-origin"},
        403,
    ),
    ("a name that only looks local", {"Host": "localhost.evil.example"}, 403),
    ("a number that only looks local", {"Host": "127.0.0.1.evil.example"}, 403),
    ("a user in front of the name", {"Host": "127.0.0.1@evil.example"}, 403),
    ("an address that is not ours", {"Host": "192.0.2.1:9886"}, 403),
    ("no name at all", {"Host": ""}, 403),
    ("a caller behind a proxy on this machine", {"X-Forwarded-For": "203.0.113.5"}, 403),
    ("the same, by the standard's header", {"Forwarded": "for=203.0.113.5"}, 403),
    ("a caller behind a sidecar proxy", {"X-Forwarded-Proto": "http"}, 403),
]


def ids(row: tuple[object, ...]) -> str:
    return str(row[0])


@pytest.fixture
async def agent() -> Agent:
    return Agent(Board(check()), faults=Faults())


@pytest.fixture
async def client(agent: Agent) -> AsyncIterator[ClientSession]:
    async with listening(agent) as session:
        yield session


@pytest.mark.parametrize(("headers", "status"), [row[1:] for row in REQUESTS], ids=[ids(row) for row in REQUESTS])
@pytest.mark.parametrize("path", ["/-/reload", "/api/v1/demo/broker-down"])
async def test_what_changes_something_is_guarded(
    agent: Agent, client: ClientSession, path: str, headers: dict[str, str], status: int
) -> None:
    host = agent.url.removeprefix("http://")
    sent = {name: value.replace(OWN, host) for name, value in headers.items()}
    async with client.post(path, json={"on": True}, headers=sent) as answer:
        assert answer.status == status, await answer.text()
    changed = bool(agent.reloads) or bool(agent.faults and agent.faults.on)
    assert changed is (status == 200)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_change_nothing(agent: Agent, client: ClientSession, method: str) -> None:
    async with client.request(method, "/-/reload") as answer:
        assert answer.status in (403, 405)
    assert not agent.reloads


async def test_a_caller_from_elsewhere_cannot_change_anything() -> None:
    address = _address_of_this_machine()
    agent = Agent(Board(check()))
    async with listening(agent, "0.0.0.0") as _, ClientSession() as session:
        url = f"http://{address}:{agent.url.rpartition(':')[2]}"
        for headers in ({}, {"Host": "localhost"}):
            async with session.post(f"{url}/-/reload", headers=headers) as answer:
                assert answer.status == 403
                assert "web.basic_auth" in await answer.text()
        async with session.get(f"{url}/metrics") as answer:  # Prometheus scrapes pods by their address
            assert answer.status == 200
    assert not agent.reloads


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Host": "reachd.example"}, "the Host header of this caller names another machine"),
        ({"Forwarded": "for=203.0.113.5"}, "this caller came through a proxy, as the header Forwarded shows"),
    ],
)
async def test_a_refusal_says_why(client: ClientSession, headers: dict[str, str], why: str) -> None:
    async with client.post("/-/reload", headers=headers) as answer:
        assert answer.status == 403
        assert why in await answer.text()


@pytest.mark.parametrize(("version", "status"), [("1.1", 200), ("1.0", 403)])
async def test_the_version_that_proxies_speak_is_not_a_caller_on_this_machine(
    agent: Agent, client: ClientSession, version: str, status: int
) -> None:
    host, _, port = agent.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /-/reload HTTP/{version}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(30):
        answer = (await reader.read()).decode()
    writer.close()
    assert answer.split()[1] == str(status)
    assert ("this caller speaks HTTP/1.0" in answer) is (status == 403)
    assert len(agent.reloads) == (status == 200)


@pytest.mark.servers("nginx")
async def test_callers_of_an_nginx_beside_the_agent_are_elsewhere(agent: Agent, client: ClientSession) -> None:
    plain = f"location / {{ proxy_http_version 1.0; proxy_pass {agent.url}; }}"  # nginx 1.29 and older need no telling
    with nginx(f"server {{ listen 127.0.0.1:PORT; {plain} }}") as proxy:
        async with client.get(f"http://{proxy.address}/healthz/live") as answer:
            assert answer.status == 200
        async with client.post(f"http://{proxy.address}/-/reload") as answer:
            assert answer.status == 403
    assert not agent.reloads


@pytest.mark.parametrize(("source", "status"), [("127.0.0.1", 200), ("127.0.0.6", 403), ("127.1.2.3", 403)])
async def test_the_sidecar_of_a_mesh_is_not_a_caller_on_this_machine(source: str, status: int) -> None:
    agent = Agent(Board(check()))
    async with (
        listening(agent),
        ClientSession(connector=TCPConnector(local_addr=(source, 0))) as session,
        session.post(f"{agent.url}/-/reload") as answer,
    ):
        assert answer.status == status, await answer.text()
    assert len(agent.reloads) == (status == 200)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:127.0.0.6", False),
        ("127.0.0.2", False),
        ("192.0.2.1", False),
        ("", False),
    ],
)
def test_what_counts_as_loopback(address: str, local: bool) -> None:
    assert is_loopback(address) is local


def _address_of_this_machine() -> str:
    """An address of this machine that is not loopback; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("correct horse\n")
    return file


@pytest.fixture
async def private(password_file: Path) -> AsyncIterator[ClientSession]:
    settings = Web(basic_auth=BasicAuthSettings(username="ops", password_file=password_file))
    async with listening(Agent(Board(check()), settings=settings)) as session:
        yield session


@pytest.mark.parametrize("path", ["/", "/metrics", "/config", "/api/v1/checks", "/api/v1/events", "/nothing-here"])
@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic %%%", "Bearer b3BzOmNvcnJlY3QgaG9yc2U=", "Basic b3Bz", "Basic b3BzOndyb25n", "Basic /w=="],
)
async def test_without_the_password_nothing_is_shown(private: ClientSession, path: str, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with private.get(path, headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready", "/-/healthy", "/-/ready"])
async def test_health_needs_no_password(private: ClientSession, path: str) -> None:
    async with private.get(path) as answer:
        assert answer.status == 200


async def test_with_the_password_everything_works(private: ClientSession) -> None:
    headers = {"Authorization": encode_basic_auth("ops", "correct horse")}
    for path in ("/", "/metrics", "/config", "/api/v1/checks"):
        async with private.get(path, headers=headers) as answer:
            assert answer.status == 200
    # Whoever has the password may come by any name, as through a proxy.
    async with private.post("/-/reload", headers=headers | {"Host": "reachd.example.com"}) as answer:
        assert answer.status == 200
    async with private.post("/-/reload", headers=headers | {"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403


async def test_a_changed_password_file_counts_at_once(private: ClientSession, password_file: Path) -> None:
    async def status(password: str) -> int:
        headers = {"Authorization": encode_basic_auth("ops", password)}
        async with private.get("/config", headers=headers) as answer:
            return answer.status

    assert await status("correct horse") == 200
    await asyncio.to_thread(password_file.write_text, "battery staple\n")
    async with asyncio.timeout(30):
        while await status("battery staple") != 200:
            await asyncio.sleep(0.1)
    assert await status("correct horse") == 401
    await asyncio.to_thread(password_file.unlink)
    async with asyncio.timeout(30):
        while await status("battery staple") != 401:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("path", ["/", "/metrics", "/config", "/healthz/live", "/api/v1/checks", "/nothing-here"])
async def test_headers_keep_browsers_safe(client: ClientSession, path: str) -> None:
    async with client.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert not re.search(r"unsafe|\*|https?:", policy)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        # Not no-referrer, with which browsers send `Origin: null` with forms of the page itself.
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "Set-Cookie" not in answer.headers
        assert not any(name.startswith("Access-Control") for name in answer.headers)
