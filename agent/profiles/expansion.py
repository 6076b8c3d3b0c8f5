"""Turns the rows of a deployment into checks, as seen from where the agent stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.core.check import Check, UntestableRow
from agent.probes._settings import ProbeSettings
from agent.profiles.deployment import Deployment, RowSettings
from agent.profiles.rows import DeploymentRow

_UNCHANGED = RowSettings()
_SWITCHED_OFF = "switched off in the configuration"


@dataclass(frozen=True, slots=True)
class ExpansionContext:
    """What of the rest of the configuration decides how a profile expands.

    vantages: where the agent stands. every, timeout, latency_objective: seconds. slo: ratio of runs that must succeed.
    """

    vantages: frozenset[str]
    every: float
    timeout: float
    slo: float
    latency_objective: float


@dataclass(frozen=True, slots=True)
class Expansion:
    """The rows of a profile for one deployment: those that become checks here, and the others with the reason why."""

    checks: tuple[Check, ...]
    untestable: tuple[UntestableRow, ...]


def expand_deployment(deployment: Deployment, context: ExpansionContext) -> Expansion:
    """The checks of a deployment from where the agent stands, and the rows that it cannot test."""
    tested: list[tuple[DeploymentRow, ProbeSettings, str]] = []
    untestable: list[UntestableRow] = []
    for row in deployment.expanded_rows():
        vantage = next((vantage for vantage in row.row.vantages if vantage in context.vantages), None)
        why = why_untestable(row, deployment.rows) or _why_not_from(row, vantage)
        if row.probe is not None and vantage is not None and not why:
            tested.append((row, row.probe, vantage.value))
        else:
            untestable.append(_untestable(deployment, row, why))
    names = frozenset(row.id for row, _, _ in tested)
    checks = tuple(_check(deployment, context, names, *item) for item in tested)
    return Expansion(checks, tuple(untestable))


def why_untestable(row: DeploymentRow, settings: Mapping[str, RowSettings]) -> str:
    """Why the row becomes a check from nowhere; empty where it does."""
    return row.absent or ("" if settings.get(row.id, _UNCHANGED).enabled else _SWITCHED_OFF)


def _why_not_from(row: DeploymentRow, vantage: str | None) -> str:
    wanted = " or ".join(vantage.value for vantage in row.row.vantages)
    return "" if vantage else f"needs vantage {wanted}"


def _untestable(deployment: Deployment, row: DeploymentRow, why: str) -> UntestableRow:
    return UntestableRow(
        deployment=deployment.name,
        system=deployment.catalogue().system,
        component=row.row.component,
        name=row.id,
        vantage=", ".join(vantage.value for vantage in row.row.vantages),
        target=row.probe.target() if row.probe else "",
        path=row.path,
        why=why,
    )


def _check(
    deployment: Deployment,
    context: ExpansionContext,
    names: frozenset[str],
    row: DeploymentRow,
    probe: ProbeSettings,
    vantage: str,
) -> Check:
    settings, profile = deployment.rows.get(row.id, _UNCHANGED), row.row
    every = settings.every or max(context.every, profile.every or 0.0)
    return Check(
        deployment=deployment.name,
        system=deployment.catalogue().system,
        component=profile.component,
        name=row.id,
        kind=probe.kind,
        vantage=vantage,
        settings=probe,
        every=every,
        timeout=settings.timeout or min(every, profile.timeout or context.timeout),
        slo=settings.slo or context.slo,
        latency_objective=settings.latency_objective or profile.latency_objective or context.latency_objective,
        severity=settings.severity or profile.severity,
        target=probe.target(),
        host=probe.endpoint().host,
        path=row.path,
        depends_on=_only(names, row.depends_on if settings.depends_on is None else settings.depends_on),
        labels=tuple(sorted(settings.labels.items())),
    )


def _only(names: frozenset[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """What is tested here, each once: what nobody looks at can block nothing."""
    return tuple(dict.fromkeys(name for name in wanted if name in names))
