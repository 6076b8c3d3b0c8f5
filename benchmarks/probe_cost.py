"""CPU per probe: the agent beside blackbox_exporter and wrk, on the same nginx, in one run.

All of the agent counts: scheduling, phases, metrics. blackbox_exporter is driven over keep-alive connections; both have
four probes in flight. Certificates are RSA-2048, and no TLS session is resumed.
"""

import http.client
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.agent_process import agent
from benchmarks.machine import cpu_seconds
from tests.servers.catalogue import find
from tests.servers.process import free_port
from tests.servers.run import blackbox_exporter, nginx

IN_FLIGHT = 4
CPU_SECONDS = float(os.environ.get("REACHD_BENCH_CPU_SECONDS", "10"))
"""CPU time that each measured process must have used before its cost is read."""
_CHECKS = 2000
_EVERY = "100ms"  # more than can be done, so that four are always in flight, as with the peer
_BARS = {"http": 0.35, "tcp": 0.45, "https": 0.75}
_WRK_BAR = 4.0
_MOST_FAILURES = 0.001
"""Share of probes that may fail: at full load the server's queue of connections overflows now and then."""

_MODULES = """\
modules:
  http: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}
  tcp: {prober: tcp, timeout: 5s, tcp: {preferred_ip_protocol: ip4}}
  https: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, tls_config: {ca_file: CA_FILE}}}
"""
_NGINX = """
    access_log off;
    ssl_session_cache off;
    ssl_session_tickets off;
    server {
        listen 127.0.0.1:PORT;
        location / { return 200 "ok"; }
    }
    server {
        listen 127.0.0.1:TLS_PORT ssl;
        ssl_certificate CERT_FILE;
        ssl_certificate_key CERT_FILE;
        location / { return 200 "ok"; }
    }
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of probe on the same server: the agent's settings and blackbox_exporter's target."""

    name: str
    probe: dict[str, object]
    blackbox_target: str


@contextmanager
def targets() -> Iterator[tuple[list[Target], Path]]:
    """A running nginx as target of all kinds, and the file of its certificate authority."""
    with TemporaryDirectory() as folder:
        ca_file, certificate = _certificate(Path(folder))
        tls_port = free_port()
        config = _NGINX.replace("TLS_PORT", str(tls_port)).replace("CERT_FILE", str(certificate))
        with nginx(config) as server:
            https = f"https://127.0.0.1:{tls_port}/"
            yield (
                [
                    Target("http", {"kind": "http", "url": f"{server.url}/"}, f"{server.url}/"),
                    Target("tcp", {"kind": "tcp", "address": server.address}, server.address),
                    Target("https", {"kind": "http", "url": https, "tls": {"ca_file": str(ca_file)}}, https),
                ],
                ca_file,
            )


def _certificate(folder: Path) -> tuple[Path, Path]:
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != 2048:
        raise ValueError("the comparison is about RSA-2048")
    ca_file, certificate = folder / "ca.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    return ca_file, certificate


def agent_cost(target: Target) -> float:
    """Milliseconds of CPU that the agent uses for one probe."""
    configuration: dict[str, object] = {
        "limits": {"in_flight": IN_FLIGHT, "per_host": IN_FLIGHT},
        "checks": [
            {"name": f"check-{number}", "every": _EVERY, "timeout": _EVERY, "probe": target.probe}
            for number in range(_CHECKS)
        ],
    }
    with agent(configuration) as running:
        time.sleep(5)
        cpu, runs = cpu_seconds(running.pid), running.total("probe_runs_total")
        failures = running.total("probe_failures_total")
        began = cpu
        while cpu_seconds(running.pid) - began < CPU_SECONDS:
            time.sleep(0.5)
        used = cpu_seconds(running.pid) - cpu
        probes = running.total("probe_runs_total") - runs
        if running.total("probe_failures_total") - failures > probes * _MOST_FAILURES:
            raise RuntimeError(f"{target.name}: too many probes failed for a comparison")
        return used / probes * 1000


def blackbox_cost(pid: int, port: int, target: Target) -> float:
    """Milliseconds of CPU that blackbox_exporter uses for one probe."""
    path = f"/probe?module={target.name}&target={quote(target.blackbox_target, safe='')}"
    counts = [0] * IN_FLIGHT
    stop = threading.Event()

    def drive(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not stop.is_set():
            connection.request("GET", path)
            if b"probe_success 1" not in connection.getresponse().read():
                raise RuntimeError(f"blackbox_exporter: a {target.name} probe failed")
            counts[number] += 1
        connection.close()

    began = cpu_seconds(pid)
    threads = [threading.Thread(target=drive, args=(number,)) for number in range(IN_FLIGHT)]
    for thread in threads:
        thread.start()
    while cpu_seconds(pid) - began < CPU_SECONDS and all(thread.is_alive() for thread in threads):
        time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    return (cpu_seconds(pid) - began) / sum(counts) * 1000


def wrk_cost(url: str) -> float:
    """Milliseconds of CPU that wrk uses for one request with a fresh connection."""
    program = find("wrk")
    if program is None:
        raise FileNotFoundError("wrk; `make servers` brings it in")
    before = os.times()
    finished = subprocess.run(
        [str(program), "-t1", f"-c{IN_FLIGHT}", f"-d{CPU_SECONDS * 1.3:.0f}s", "-H", "Connection: close", url],
        capture_output=True,
        text=True,
        check=True,
    )
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    requests = re.search(r"(\d+) requests in", finished.stdout)
    if requests is None:
        raise ValueError(f"wrk printed no number of requests: {finished.stdout}")
    return used / int(requests.group(1)) * 1000


def main() -> int:
    """Prints the table. Returns 1 when a ratio is above its bar."""
    with targets() as (all_targets, ca_file), blackbox_exporter(_MODULES.replace("CA_FILE", str(ca_file))) as peer:
        rows = [(target.name, agent_cost(target), blackbox_cost(peer.pid, peer.port, target)) for target in all_targets]
        wrk = wrk_cost(all_targets[0].blackbox_target)
    good = True
    sys.stdout.write("CPU per probe, milliseconds\nkind   reachd  blackbox_exporter  ratio  bar\n")
    for name, ours, theirs in rows:
        good = good and ours / theirs <= _BARS[name]
        sys.stdout.write(f"{name:6} {ours:6.3f}  {theirs:17.3f}  {ours / theirs:5.2f}  {_BARS[name]:.2f}\n")
    good = good and rows[0][1] / wrk <= _WRK_BAR
    sys.stdout.write(f"wrk, a request with a fresh connection: {wrk:.3f} ms; http is {rows[0][1] / wrk:.2f} times that")
    sys.stdout.write(f" (bar {_WRK_BAR:.0f})\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
