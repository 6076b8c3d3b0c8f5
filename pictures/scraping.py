"""The real Prometheus of a recording, with the real rules.

The demo checks every 3 s, a fifth of what is usual, so rules and scrapes are five times as fast as well.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import yaml

from alerts.__main__ import rule_files, text
from alerts.rule import Links
from alerts.timing import Timing
from pictures.agents import RunningAgent
from tests.servers.process import Server, free_port

_SCALE = 5
SCRAPE_SECONDS = 15 // _SCALE


@contextmanager
def prometheus_of(folder: Path, configuration: Path) -> Iterator[Server]:
    """Prometheus on the data in a folder; without jobs in its configuration it only answers."""
    port = free_port()
    arguments = [
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    ]
    with Server("prometheus", arguments, folder, lambda: _is_ready(port), port=port) as server:
        yield server


def _is_ready(port: int) -> bool:
    directly = build_opener(ProxyHandler({}))
    try:
        with directly.open(f"http://127.0.0.1:{port}/-/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def configuration_of(folder: Path, agents: Sequence[RunningAgent]) -> Path:
    """Prometheus' configuration, with the rules beside it."""
    for name, rules in rule_files(Timing(_SCALE), Links()).items():
        (folder / f"{name}.yaml").write_text(text(rules))
    interval = f"{SCRAPE_SECONDS}s"
    targets = [{"targets": [it.address], "labels": {"cluster": it.cluster, "instance": it.name}} for it in agents]
    file = folder / "prometheus.yml"
    file.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
                "rule_files": [f"{folder}/reachd-*.yaml"],
                "scrape_configs": [{"job_name": "reachd", "honor_labels": True, "static_configs": targets}],
            }
        )
    )
    return file
