"""A web server that always answers, and checks that ask it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.process import Server
from tests.servers.run import nginx


@contextmanager
def web_server() -> Iterator[Server]:
    """nginx, which writes no access log."""
    with nginx('access_log off; server { listen 127.0.0.1:PORT; location / { return 200 "ok"; } }') as server:
        yield server


def http_checks(server: Server, count: int, every: str) -> list[dict[str, object]]:
    """Checks that all ask for one page."""
    return [
        {"name": f"web-{number}", "every": every, "timeout": "1s", "probe": {"kind": "http", "url": f"{server.url}/"}}
        for number in range(count)
    ]
