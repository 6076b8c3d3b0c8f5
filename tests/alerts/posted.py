"""Alerts that are posted to a real Alertmanager, and what it makes of them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import yaml

from alerts.alertmanager import document
from alerts.timing import Timing
from tests.agent.support import Json
from tests.live.chain import with_webhooks
from tests.servers.process import Server, wait_until
from tests.servers.run import alertmanager

Labels = dict[str, str]

_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_NOBODY = "http://127.0.0.1:1"
_WITHIN = 30.0
_CONTROL = {"alertname": "Control", "cluster": "control"}


@contextmanager
def alertmanager_of_ours() -> Iterator[Server]:
    """An Alertmanager with the generated routes and inhibition, whose notifications reach nobody."""
    with alertmanager(yaml.safe_dump(with_webhooks(document(Timing()), _NOBODY))) as running:
        yield running


def alert(name: str, severity: str, component: str, check: str = "", kind: str = "", /, **labels: str) -> Labels:
    """The labels of an alert; one about a check is about the deployment `prod`, unless `labels` say otherwise."""
    of_check = {"check": check, "kind": kind, "deployment": "prod"} if check else {}
    return {"alertname": name, "severity": severity, "component": component, **of_check, **labels}


@contextmanager
def posted(server: Server, alerts: Sequence[Labels]) -> Iterator[None]:
    """The alerts fire, Alertmanager has seen all of them, and afterwards none fires any more."""
    # What is posted last is seen last: once one of these suppresses the other, all of the rest has been seen.
    control = [{**_CONTROL, "severity": severity} for severity in ("critical", "warning")]
    _post(server, [*alerts, *control])
    try:
        wait_until(lambda: control[1] in suppressed(server), _WITHIN, "the last alert is suppressed")
        yield
    finally:
        _post(server, [*alerts, *control], endsAt=datetime.now(UTC).isoformat())
        wait_until(lambda: not ask(server, "alerts"), _WITHIN, "no alert is left")


def suppressed(server: Server) -> list[Labels]:
    """The alerts that others suppress."""
    return [found["labels"] for found in ask(server, "alerts") if found["status"]["inhibitedBy"]]


def ask(server: Server, what: str) -> list[Json]:
    """What Alertmanager's API says, such as `alerts` or `alerts/groups`."""
    with _DIRECTLY.open(f"{server.url}/api/v2/{what}", timeout=_WITHIN) as answer:
        found: list[Json] = json.load(answer)
        return found


def _post(server: Server, alerts: Sequence[Labels], **times: str) -> None:
    body = json.dumps([{"labels": labels, **times} for labels in alerts]).encode()
    request = urllib.request.Request(f"{server.url}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with _DIRECTLY.open(request, timeout=_WITHIN):
        pass
