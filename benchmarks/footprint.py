"""A small set-up: 20 checks without OTLP. Memory, and seconds from start to ready."""

import sys
import time

from benchmarks.agent_process import agent, http_checks
from benchmarks.machine import resident_bytes
from tests.servers.run import nginx

_NGINX = 'access_log off; server { listen 127.0.0.1:PORT; location / { return 200 "ok"; } }'


def main() -> int:
    """Prints what was seen beside its bars. Returns 1 when one is missed."""
    with nginx(_NGINX) as server, agent({"checks": http_checks(f"{server.url}/", 20, "1s")}) as running:
        time.sleep(10)
        running.scrape()
        mebibytes = resident_bytes(running.pid) / 2**20
        seconds = running.seconds_to_ready
    sys.stdout.write(f"memory {mebibytes:.1f} MiB (bar 64), ready after {seconds:.2f} s (bar 1)\n")
    return 0 if mebibytes < 64 and seconds < 1 else 1


if __name__ == "__main__":
    sys.exit(main())
