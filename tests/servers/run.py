"""The real servers as context managers, each on free ports of 127.0.0.1 and in a temporary folder of its own.

with nats_server(token="s3cret") as nats:
    ...  # nats.address, nats.monitor_url, nats.stop(), nats.start(), nats.pause(), nats.resume(), nats.log()
"""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.collector import Collector
from tests.servers.process import Server, accepts, free_port

NGINX = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr info;
events {{ worker_connections 8192; }}
http {{
    access_log /dev/stdout;
    default_type text/plain;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    {http}
}}
"""


class NatsServer(Server):
    """A NATS server; `port` takes clients."""

    monitor_port: int

    @property
    def monitor_url(self) -> str:
        """Its monitoring endpoint as an http URL, without a slash at the end."""
        return f"http://127.0.0.1:{self.monitor_port}"


@contextmanager
def nats_server(
    *,
    program: str = "nats-server",
    token: str | None = None,
    user: str | None = None,
    password: str | None = None,
    config: str = "",
) -> Iterator[NatsServer]:
    """NATS with its monitoring endpoint; `config` is more of its own configuration language, such as a `tls` block.

    `program` may be "nats-server-2.14".
    """
    settings: dict[str, object] = {}
    if token is not None:
        settings["authorization"] = {"token": token}
    if user is not None:
        settings["authorization"] = {"user": user, "password": password}
    port, monitor_port = free_port(), free_port()
    settings |= {"listen": f"127.0.0.1:{port}", "http": f"127.0.0.1:{monitor_port}"}
    lines = [f"{key}: {json.dumps(value)}" for key, value in settings.items()]
    with _folder() as folder:
        file = _write(folder / "nats.conf", "\n".join([*lines, config, ""]))
        server = NatsServer(program, ["-c", file], folder, _listening(port, monitor_port), port=port)
        server.monitor_port = monitor_port
        with server:
            yield server


@contextmanager
def nginx(http: str) -> Iterator[Server]:
    """nginx in one process, with `http` inside its http block; every `127.0.0.1:PORT` there becomes its address.

    `$connection_upgrade` is what a proxied WebSocket hands on as its Connection header. Its log has one line a request.
    """
    port = free_port()
    with _folder() as folder:
        file = _write(folder / "nginx.conf", NGINX.format(http=http.replace("127.0.0.1:PORT", f"127.0.0.1:{port}")))
        with Server(
            "nginx", ["-p", str(folder), "-c", file, "-e", "stderr"], folder, _listening(port), port=port
        ) as server:
            yield server


@contextmanager
def prometheus(config: str, *flags: str, resend_delay: str = "1s") -> Iterator[Server]:
    """Prometheus with the given configuration file, which it reads again on POST /-/reload.

    `resend_delay`: how often it tells Alertmanager of an alert that goes on. Alertmanager believes each for four times
    that.
    """
    port = free_port()
    with _folder() as folder:
        arguments = [
            f"--config.file={_write(folder / 'prometheus.yml', config)}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-lifecycle",
            "--enable-feature=exemplar-storage",
            f"--rules.alert.resend-delay={resend_delay}",
            *flags,
        ]
        with Server(
            "prometheus", arguments, folder, _answering(f"http://127.0.0.1:{port}/-/ready"), port=port
        ) as server:
            yield server


@contextmanager
def alertmanager(config: str, *flags: str) -> Iterator[Server]:
    """Alertmanager on its own, without a cluster."""
    port = free_port()
    with _folder() as folder:
        arguments = [
            f"--config.file={_write(folder / 'alertmanager.yml', config)}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            *flags,
        ]
        ready = _answering(f"http://127.0.0.1:{port}/-/ready")
        with Server("alertmanager", arguments, folder, ready, port=port) as server:
            yield server


@contextmanager
def blackbox_exporter(config: str) -> Iterator[Server]:
    """blackbox_exporter with the given modules."""
    port = free_port()
    with _folder() as folder:
        file = _write(folder / "blackbox.yml", config)
        arguments = [f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}"]
        ready = _answering(f"http://127.0.0.1:{port}/-/healthy")
        with Server("prometheus-blackbox-exporter", arguments, folder, ready, port=port) as server:
            yield server


@contextmanager
def dnsmasq(*options: str) -> Iterator[Server]:
    """A name server that asks nobody else; `options` are such as `--host-record=name,127.0.0.1`. It logs each query."""
    port = free_port()
    arguments = [
        "--conf-file=/dev/null",
        "--keep-in-foreground",
        "--log-facility=-",
        "--log-queries",
        "--pid-file=",
        "--user=",
        "--no-resolv",
        "--no-hosts",
        "--cache-size=0",
        "--bind-interfaces",
        "--listen-address=127.0.0.1",
        f"--port={port}",
        *options,
    ]
    with _folder() as folder, Server("dnsmasq", arguments, folder, _listening(port), port=port) as server:
        yield server


@contextmanager
def tinyproxy(*directives: str) -> Iterator[Server]:
    """A forward proxy; `directives` are lines of its configuration, such as `BasicAuth user password`."""
    port = free_port()
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 600", "LogLevel Info", *directives]
    with _folder() as folder:
        file = _write(folder / "tinyproxy.conf", "\n".join([*lines, ""]))
        with Server("tinyproxy", ["-d", "-c", file], folder, _listening(port), port=port) as server:
            yield server


@contextmanager
def redis_server() -> Iterator[Server]:
    """Redis in memory: a TCP server that talks in lines and says nothing first."""
    port = free_port()
    arguments = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with _folder() as folder, Server("redis-server", arguments, folder, _listening(port), port=port) as server:
        yield server


@contextmanager
def etcd() -> Iterator[Server]:
    """One etcd that syncs nothing to disk, since nothing in it outlives the test. It is asked in gRPC, or in JSON."""
    port, peer_port = free_port(), free_port()
    with _folder() as folder:
        arguments = [
            f"--data-dir={folder / 'data'}",
            f"--listen-client-urls=http://127.0.0.1:{port}",
            f"--advertise-client-urls=http://127.0.0.1:{port}",
            f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer_port}",
            f"--initial-cluster=default=http://127.0.0.1:{peer_port}",
            "--unsafe-no-fsync",
        ]
        ready = _answering(f"http://127.0.0.1:{port}/health")
        with Server("etcd", arguments, folder, ready, port=port) as server:
            yield server


@contextmanager
def collector() -> Iterator[Collector]:
    """A collector that writes every span it receives into its log and sends nothing on."""
    port, grpc_port = free_port(), free_port()
    with _folder() as folder:
        arguments = [
            "start",
            f"--pid-file={folder / 'rotel.pid'}",
            f"--otlp-http-endpoint=127.0.0.1:{port}",
            f"--otlp-grpc-endpoint=127.0.0.1:{grpc_port}",
            "--exporter=blackhole",
            "--debug-log=traces",
            "--debug-log-verbosity=detailed",
        ]
        server = Collector("rotel", arguments, folder, _listening(port, grpc_port), port=port)
        server.grpc_port = grpc_port
        with server:
            yield server


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="reachd-") as folder:
        yield Path(folder)


def _write(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)


def _listening(*ports: int) -> Callable[[], bool]:
    return lambda: all(accepts(port) for port in ports)


def _answering(url: str) -> Callable[[], bool]:
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def answers() -> bool:
        try:
            with directly.open(url, timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    return answers
