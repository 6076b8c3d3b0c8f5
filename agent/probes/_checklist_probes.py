"""Rules about the probes by which Kubernetes restarts Meshery Server, or takes it out of its Service.

Sources of the figures: Meshery's document on availability, and its chart's values.yaml and values-upgrade.yaml.
"""

from collections.abc import Iterator
from typing import NamedTuple

from agent.probes._checklist_meshery import server, server_container
from agent.probes._checklist_rule import Objects, Wanted, no_problem
from agent.probes._json import JsonObject, child, text_of
from agent.probes._kube_objects import count_of
from agent.probes._text import quote

_STARTUP_SECONDS = 80.0
"""What the chart allows the Server for its start and for loading the providers."""
_LONGEST_UNREADY = 60.0
"""Seconds; the chart's own values take a pod out of its Service after 16."""


class _Timing(NamedTuple):
    """How one of a container's probes is timed, in seconds; what is missing is as Kubernetes has it by default."""

    initial_delay: float
    period: float
    failures: float
    timeout: float

    @property
    def patience(self) -> float:
        """Seconds of failures after which Kubernetes acts."""
        return self.period * self.failures


class _Upgrade(NamedTuple):
    probe: str
    patience: float
    timeout: float


_UPGRADE_VALUES = (
    _Upgrade("startupProbe", 180, 5),
    _Upgrade("livenessProbe", 48, 5),
    _Upgrade("readinessProbe", 30, 3),
)
"""values-upgrade.yaml: startup 10 s x 18, liveness 12 s x 4, readiness 5 s x 6."""


def server_probes(objects: Objects, _: Wanted) -> str:
    """Meshery Server has a liveness probe of /healthz/live and a readiness probe of /healthz/ready. One that takes 80
    seconds to start is not killed meanwhile, and one that is not ready is out of its Service within a minute."""
    container = server_container(server(objects))
    liveness, readiness = _timing(container, "livenessProbe"), _timing(container, "readinessProbe")
    no_problem(
        [
            *_path_problems(container, "livenessProbe", "/healthz/live"),
            *_path_problems(container, "readinessProbe", "/healthz/ready"),
            *_patience_problems(container, liveness, readiness),
        ],
        "enable probe.livenessProbe and probe.readinessProbe in the chart's values, with the timings that it has "
        "by default",
    )
    return (
        f"liveness is probed from {liveness.initial_delay:g} s on, every {liveness.period:g} s, and fails after "
        f"{liveness.patience:g} s; readiness from {readiness.initial_delay:g} s on, every {readiness.period:g} s"
    )


def upgrade_values(objects: Objects, _: Wanted) -> str:
    """Meshery Server runs with the probes of the chart's values-upgrade.yaml: a startup probe that has patience for
    180 seconds, and liveness and readiness probes with the timeouts of that file, so that no pod is killed while it
    loads capabilities during an upgrade."""
    container = server_container(server(objects))
    problems = []
    for probe, patience, timeout in _UPGRADE_VALUES:
        timing = _timing(container, probe)
        if not child(container, probe):
            problems.append(f"there is no {probe}")
        elif timing.patience < patience or timing.timeout < timeout:
            problems.append(
                f"the {probe} gives up after {timing.patience:g} s with a timeout of {timing.timeout:g} s, not after "
                f"{patience:g} s and {timeout:g} s"
            )
    no_problem(problems, "upgrade with --values values-upgrade.yaml of Meshery's chart")
    return f"the startup probe has patience for {_timing(container, 'startupProbe').patience:g} s"


def _timing(container: JsonObject, probe: str) -> _Timing:
    settings = child(container, probe)
    return _Timing(
        count_of(settings, "initialDelaySeconds"),
        count_of(settings, "periodSeconds", 10.0),
        count_of(settings, "failureThreshold", 3.0),
        count_of(settings, "timeoutSeconds", 1.0),
    )


def _path_problems(container: JsonObject, probe: str, path: str) -> Iterator[str]:
    settings = child(container, probe)
    asked = text_of(child(settings, "httpGet"), "path").partition("?")[0]
    if not settings:
        yield f"there is no {probe}"
    elif asked != path:
        yield f"the {probe} asks {quote(asked, 80) if asked else 'nothing over HTTP'} instead of {path}"


def _patience_problems(container: JsonObject, liveness: _Timing, readiness: _Timing) -> Iterator[str]:
    patience = liveness.initial_delay + liveness.patience
    if child(container, "livenessProbe") and not child(container, "startupProbe") and patience < _STARTUP_SECONDS:
        yield f"the livenessProbe kills a Server that takes longer than {patience:g} s to start"
    if child(container, "readinessProbe") and readiness.patience > _LONGEST_UNREADY:
        yield f"the readinessProbe leaves an unready Server in its Service for {readiness.patience:g} s"
