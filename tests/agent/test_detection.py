"""Real servers break and are mended: the agent says so, with the right reason, within an interval and a timeout."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.core.schedule import RECHECK_DELAY
from tests.agent.support import Client, Json, agent_process, check, client
from tests.probes.support import authority, ca_file
from tests.probes.test_grpc import HEALTH, Methods, grpc_server
from tests.servers.process import Server
from tests.servers.run import nats_server, nginx

EVERY, TIMEOUT = 1.6, 0.4
CONFIRMED = EVERY + TIMEOUT + min(RECHECK_DELAY, EVERY / 4) + TIMEOUT
"""Seconds in which a fault must show: the run that finds it ends, and so does the one that confirms it."""
SLACK = 1.0
"""Seconds for two busy cores and for asking, and less than another interval."""
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


class Fault(NamedTuple):
    """How a target is broken and mended, and what the agent must say meanwhile."""

    probe: dict[str, object]
    reason: str
    breaks: Callable[[], None]
    mends: Callable[[], None]


def certificate(folder: Path, days: int) -> None:
    """Writes a certificate that is valid until `days` from now."""
    now = datetime.now(UTC)
    issued = authority().issue_cert(
        "127.0.0.1", not_before=now - timedelta(days=30), not_after=now + timedelta(days=days)
    )
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))


def renewing(server: Server, folder: Path, days: int) -> Callable[[], None]:
    """Starts nginx again with another certificate."""

    def renew() -> None:
        server.stop()
        certificate(folder, days)
        server.start()

    return renew


async def until_state(agent: Client, name: str, state: str, began: float) -> tuple[Json, float]:
    """The check once it is in `state`, and the seconds since `began`."""
    async with asyncio.timeout(3 * CONFIRMED):
        while (found := await agent.check(name))["state"] != state:
            await asyncio.sleep(0.01)
    return found, time.monotonic() - began


@pytest.mark.servers("nginx", "nats-server")
async def test_faults_of_real_servers_show_in_time(tmp_path: Path) -> None:
    certificate(tmp_path, 30)
    health = Methods({HEALTH: SERVING})
    page = "server { listen 127.0.0.1:PORT; return 200 ok; }"
    pem = tmp_path / "server.pem"
    tls = f"server {{ listen 127.0.0.1:PORT ssl; ssl_certificate {pem}; ssl_certificate_key {pem}; return 200 ok; }}"
    with ExitStack() as stack:
        web, hung_web, tls_web = (stack.enter_context(nginx(http)) for http in (page, page, tls))
        broker, hung_broker = (stack.enter_context(nats_server(token="s3cret")) for _ in range(2))
        async with grpc_server(health) as grpc:
            trusting = {"ca_file": ca_file(tmp_path)}
            faults = {
                "web-gone": Fault({"kind": "http", "url": f"{web.url}/"}, "connect_refused", web.stop, web.start),
                "web-hung": Fault(
                    {"kind": "http", "url": f"{hung_web.url}/"}, "response_timeout", hung_web.pause, hung_web.resume
                ),
                "tls-expired": Fault(
                    {"kind": "tls", "address": tls_web.address, "tls": trusting},
                    "tls_expired",
                    renewing(tls_web, tmp_path, -1),
                    renewing(tls_web, tmp_path, 30),
                ),
                "broker-gone": Fault(
                    {"kind": "nats", "address": broker.address}, "connect_refused", broker.stop, broker.start
                ),
                "broker-hung": Fault(
                    {"kind": "nats", "address": hung_broker.address},
                    "response_timeout",
                    hung_broker.pause,
                    hung_broker.resume,
                ),
                "grpc-not-serving": Fault(
                    {"kind": "grpc", "address": grpc},
                    "not_serving",
                    lambda: health.answers.update({HEALTH: NOT_SERVING}),  # type: ignore[attr-defined]
                    lambda: health.answers.update({HEALTH: SERVING}),  # type: ignore[attr-defined]
                ),
            }
            checks = [
                check(name, str(fault.probe["kind"]), every="1600ms", timeout="400ms", **fault.probe)
                for name, fault in faults.items()
            ]
            with agent_process(tmp_path, {"checks": checks}) as process:
                async with client(process) as agent:
                    await agent.until_states(**dict.fromkeys(faults, "up"))
                    await agent.until_runs(2)  # from then on runs are an interval apart

                    async def breaks_and_mends(name: str, fault: Fault) -> None:
                        await asyncio.to_thread(fault.breaks)
                        found, seconds = await until_state(agent, name, "down", time.monotonic())
                        assert found["last"]["reason"] == fault.reason, name
                        assert seconds < CONFIRMED + SLACK, f"{name} was down after {seconds:.2f} s"
                        assert (await agent.values("probe_failing", reason=fault.reason))[name] == 1
                        assert (await agent.values("probe_success"))[name] == 0
                        await asyncio.to_thread(fault.mends)
                        found, seconds = await until_state(agent, name, "up", time.monotonic())
                        assert seconds < EVERY + TIMEOUT + SLACK, f"{name} was up again after {seconds:.2f} s"
                        assert name not in await agent.values("probe_failing")

                    work: list[Awaitable[None]] = [breaks_and_mends(name, fault) for name, fault in faults.items()]
                    await asyncio.gather(*work)
