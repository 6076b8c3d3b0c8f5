"""The endpoints that programs ask for, and the life of the listener."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import pytest
import trustme
from aiohttp import ClientSession

from agent.core.ports import Note
from agent.settings.model import ListenerTls, Web
from agent.settings.problems import ConfigurationError, Problem
from agent.web.server import ListenError
from tests.web.support import Agent, Board, Condition, check, listening


async def test_metrics_are_passed_on_as_they_are_rendered() -> None:
    agent = Agent(Board(check()))
    async with listening(agent) as session:
        headers = {"Accept": "application/openmetrics-text", "Accept-Encoding": "identity"}
        async with session.get("/metrics", headers=headers) as answer:
            assert await answer.text() == "# TYPE probe_success gauge\nprobe_success 1\n"
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        async with session.head("/metrics") as answer:
            assert answer.status == 200
    assert agent.asked[0] == ("application/openmetrics-text", "identity")


@pytest.mark.parametrize(
    ("path", "problem", "status", "text"),
    [
        ("/healthz/ready", None, 200, "ok\n"),
        ("/-/ready", None, 200, "ok\n"),
        ("/healthz/ready", "not loaded yet", 503, "healthz check failed: configuration: not loaded yet\n"),
        ("/-/ready", "not loaded yet", 503, "healthz check failed: configuration: not loaded yet\n"),
        ("/healthz/live", "not loaded yet", 200, "ok\n"),
        ("/-/healthy", "not loaded yet", 200, "ok\n"),
        ("/healthz/ready?verbose=1", None, 200, "[+]configuration ok\n[+]listener ok\nhealthz check passed\n"),
        (
            "/healthz/ready?verbose=1",
            "not loaded yet",
            503,
            "[-]configuration failed: not loaded yet\n[+]listener ok\nhealthz check failed\n",
        ),
        ("/healthz/live?verbose=1", None, 200, "[+]event-loop ok\nhealthz check passed\n"),
    ],
)
async def test_health(path: str, problem: str | None, status: int, text: str) -> None:
    health = Condition(of_readiness={"configuration": problem, "listener": None})
    async with listening(Agent(Board(), health=health)) as session, session.get(path) as answer:
        assert (answer.status, await answer.text()) == (status, text)


async def test_what_people_should_know_does_not_make_the_agent_unready() -> None:
    health = Condition(of_people={"configuration": Note("it is rejected", 0.0)})
    async with listening(Agent(Board(), health=health)) as session:
        async with session.get("/healthz/ready") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        async with session.get("/healthz/ready?verbose=1") as answer:
            assert answer.status == 200
            lines = (await answer.text()).splitlines()
    assert lines[-2:] == ["[i]configuration since 00:00:00 UTC: it is rejected", "healthz check passed"]


async def test_reload() -> None:
    agent = Agent(Board())
    async with listening(agent) as session:
        async with session.post("/-/reload") as answer:
            assert answer.status == 200
        async with session.get("/-/reload") as answer:
            assert answer.status == 405
    assert len(agent.reloads) == 1


async def test_what_waits_for_a_restart_is_said() -> None:
    async def reload() -> Sequence[str]:
        return "web", "log"

    async with listening(Agent(Board(), reload=reload)) as session, session.post("/-/reload") as answer:
        assert (answer.status, await answer.text()) == (200, "reloaded\ntakes effect after a restart: web, log\n")


async def test_a_rejected_configuration_is_said_with_every_problem() -> None:
    async def reload() -> Sequence[str]:
        raise ConfigurationError(
            [Problem("a.yaml", 3, "checks[0].every", "too short"), Problem("b.yaml", 7, "listen", "not an address")]
        )

    async with listening(Agent(Board(), reload=reload)) as session, session.post("/-/reload") as answer:
        assert answer.status == 400
        text = await answer.text()
        assert "a.yaml:3" in text
        assert "b.yaml:7" in text
        assert "old configuration" in text


@pytest.mark.filterwarnings("default")
async def test_an_error_of_our_own_shows_no_traceback() -> None:
    async def reload() -> Sequence[str]:
        raise RuntimeError("a secret of the inside")

    async with listening(Agent(Board(), reload=reload)) as session, session.post("/-/reload") as answer:
        assert answer.status == 500
        text = await answer.text()
        assert "Traceback" not in text
        assert "secret" not in text


async def test_the_effective_configuration() -> None:
    async with listening(Agent(Board())) as session, session.get("/config") as answer:
        assert await answer.text() == "listen: 127.0.0.1:0\n"
        assert answer.content_type == "text/plain"


async def test_large_requests_are_refused() -> None:
    async with listening(Agent(Board())) as session:
        async with session.get("/", headers={"X-Long": "x" * 20_000}) as answer:
            assert answer.status == 400
        async with session.get(f"/api/v1/checks/{'x' * 20_000}/y") as answer:
            assert answer.status in (400, 414)


async def test_a_taken_port_is_an_error_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = Agent(Board()).server
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}"):
            await server.start("127.0.0.1", port)


async def test_closing_waits_for_no_open_stream() -> None:
    agent = Agent(Board(check()))
    await agent.server.start("127.0.0.1", 0)
    async with ClientSession(agent.server.address) as session:
        streams = [await session.get("/api/v1/events") for _ in range(3)]
        for stream in streams:
            assert await stream.content.readline()
        began = perf_counter()
        await agent.server.close()
        assert perf_counter() - began < 2.0
        for stream in streams:
            stream.close()
    with pytest.raises(OSError, match=r"refused|Connect"):
        await asyncio.open_connection("127.0.0.1", int(agent.server.address.rpartition(":")[2]))


async def test_https(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    settings = Web(tls=ListenerTls(cert_file=folder / "both.pem", key_file=folder / "both.pem"))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    agent = Agent(Board(check()), settings=settings)
    async with listening(agent) as session, session.get("/-/healthy", ssl=context) as answer:
        assert answer.status == 200
        assert agent.url.startswith("https://127.0.0.1:")


async def test_a_certificate_that_cannot_be_used_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    missing = tmp_path_factory.mktemp("certificate") / "none.pem"
    server = Agent(Board(), settings=Web(tls=ListenerTls(cert_file=missing, key_file=missing))).server
    with pytest.raises(ListenError, match=r"none\.pem"):
        await server.start("127.0.0.1", 0)


async def _serial(port: int, context: ssl.SSLContext) -> int:
    """The serial number of the certificate that the listener shows; raises ssl.SSLError when it is not trusted."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("peercert")
    writer.close()
    return int(shown["serialNumber"], 16)


async def test_a_renewed_certificate_is_used_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.web.certificate._LOOK_EVERY", 0.05)
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    both = tmp_path / "both.pem"

    def renew() -> None:
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(both)

    await asyncio.to_thread(renew)
    agent = Agent(Board(), settings=Web(tls=ListenerTls(cert_file=both, key_file=both)))
    await agent.server.start("127.0.0.1", 0)
    port = int(agent.server.address.rpartition(":")[2])
    try:
        first = await _serial(port, context)
        await asyncio.to_thread(both.write_text, "half of a cert")
        await asyncio.sleep(0.3)  # longer than it takes to notice
        assert await _serial(port, context) == first
        await asyncio.to_thread(renew)
        async with asyncio.timeout(30):
            while await _serial(port, context) == first:
                await asyncio.sleep(0.01)
    finally:
        await agent.server.close()


async def test_a_request_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.server.IDLE_TIMEOUT", 0.5)
    agent = Agent(Board())
    async with listening(agent):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(agent.url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        began = perf_counter()
        ended = asyncio.ensure_future(reader.read())
        while not ended.done() and perf_counter() - began < 5:
            writer.write(b"X-More: x\r\n")
            await asyncio.wait({ended}, timeout=0.05)
        writer.close()
        assert ended.done()
        assert perf_counter() - began > 0.4
