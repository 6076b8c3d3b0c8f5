"""What is delivered and suppressed, against what a scene expects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote_plus

from tests.agent.support import Json
from tests.live.chain import LINKS
from tests.live.receiver import Notification
from tests.live.scenes import Expected, Scene

Told = set[tuple[str, str, str]]
"""Receivers, and the component and name of each alert that was delivered to them."""


def told(notifications: Iterable[Notification]) -> Told:
    """What was said to be wrong. That a group is over may name alerts that were suppressed while it lasted."""
    return {
        (one.receiver, *_subject(alert["labels"]))
        for one in notifications
        for alert in one.alerts
        if alert["status"] == "firing"
    }


def to_be_told(scene: Scene) -> Told:
    """All that may ever be delivered about a scene."""
    return {(it.receiver, it.group["component"], it.alert)} if (it := scene.expected) else set()


def missing(scene: Scene, notifications: Sequence[Notification], alerts: Sequence[Json]) -> Iterator[str]:
    """What a broken scene has not come to yet, in words. `alerts` are those of Alertmanager about it."""
    active = [alert["labels"] for alert in alerts if alert["status"]["state"] == "active"]
    suppressed = [alert["labels"] for alert in alerts if alert["status"]["inhibitedBy"]]
    standing = f"active: {_in_short(active)}; suppressed: {_in_short(suppressed)}"
    if not (expected := scene.expected):
        if alerts:
            yield f"{scene.cluster} is healthy; {standing}"
        return
    if not notifications:
        yield f"{scene.cluster}: nothing is delivered; {standing}"
    if {_subject(labels) for labels in active} != {(expected.group["component"], expected.alert)}:
        yield f"{scene.cluster}: not {expected.alert} alone; {standing}"
    if expected.told != {labels["check"] for labels in active if "check" in labels}:
        yield f"{scene.cluster}: not about {sorted(expected.told)}; {standing}"
    if not expected.suppressed <= {labels.get("check") for labels in suppressed}:
        yield f"{scene.cluster}: not suppressed: {sorted(expected.suppressed)}; {standing}"
    if not expected.others <= {labels["alertname"] for labels in suppressed}:
        yield f"{scene.cluster}: not suppressed: {sorted(expected.others)}; {standing}"


def wrong(scene: Scene, expected: Expected, notification: Notification) -> Iterator[str]:
    """What a first notification lacks: labels, links and words."""
    wanted = {"cluster": scene.cluster, **expected.group}
    if not wanted.items() <= notification.group.items() or notification.status != "firing":
        yield f"{notification.status} {notification.group} instead of {wanted}"
    for alert in notification.alerts:
        labels, annotations = alert["labels"], alert["annotations"]
        if not {**wanted, "severity": expected.severity}.items() <= labels.items():
            yield f"{labels} instead of {wanted}, {expected.severity}"
        if annotations["runbook_url"] != f"{LINKS.runbooks}/{expected.alert}.md":
            yield f"{annotations['runbook_url']} is no runbook of {expected.alert}"
        if not _leads_to(annotations["dashboard_url"], labels):
            yield f"{annotations['dashboard_url']} does not show {labels}"
        if not annotations["summary"] or not annotations["description"]:
            yield f"{annotations} do not say what has happened"


def _leads_to(url: str, labels: Mapping[str, str]) -> bool:
    address, _, query = url.partition("?")
    variables = query.split("&")
    return (
        address.startswith(f"{LINKS.dashboards}/d/reachd-")
        and f"var-cluster={quote_plus(labels['cluster'])}" in variables
        and all(
            f"var-{name}={quote_plus(labels.get(name, ''))}" in variables
            for name in ("deployment", "check", "instance")
            if any(variable.startswith(f"var-{name}=") for variable in variables)
        )
    )


def _subject(labels: Mapping[str, str]) -> tuple[str, str]:
    return labels.get("component", ""), labels["alertname"]


def _in_short(alerts: Iterable[Mapping[str, str]]) -> str:
    short = sorted(f"{it['alertname']}({it.get('check', '')}, {it['severity']})" for it in alerts)
    return ", ".join(short) or "none"
