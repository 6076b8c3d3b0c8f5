"""The firewall table: what is reached, from where, on which port, and why. Rows of other vantages are part of it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from agent.core.check import Check, Plan
from agent.probes._settings import Model, ProbeSettings
from agent.profiles.deployment import Deployment, as_deployment
from agent.profiles.expansion import why_untestable
from agent.profiles.rows import DeploymentRow
from agent.profiles.vantages import LOOPBACK_ELSEWHERE, is_loopback, own_vantages


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the firewall table.

    host, port: where the connection goes; empty and 0 where that is not known, and `remark` says what to set.
    protocol: `tcp`, `udp` or `gRPC`. needed: whether a firewall has to let it through; else the port is only declared.
    here: whether this agent tests it. document: what demands it.
    """

    deployment: str
    check: str
    vantage: str
    source: str
    destination: str
    host: str
    port: int
    protocol: str
    purpose: str
    severity: str
    kind: str
    needed: bool
    here: bool
    document: str
    remark: str


def targets(plan: Plan, deployments: Iterable[Model]) -> tuple[Target, ...]:
    """All lines: the rows of every deployment from each of their vantages, then the checks outside any deployment."""
    lines: list[Target] = []
    expected = [as_deployment(settings) for settings in deployments]
    for deployment in expected:
        tested = {check.name: check.vantage for check in plan.checks if check.deployment == deployment.name}
        own = own_vantages(plan, deployment.name)
        for row in deployment.expanded_rows():
            lines += _row_targets(deployment, row, tested.get(row.id, ""), own)
    names = {deployment.name for deployment in expected}
    lines += [_check_target(check) for check in plan.checks if check.deployment not in names]
    return tuple(lines)


def _row_targets(deployment: Deployment, row: DeploymentRow, tested: str, own: frozenset[str]) -> Iterator[Target]:
    """The lines of one row. tested: the vantage as which this agent tests it; own: those as which it tests anything."""
    settings = deployment.rows.get(row.id)
    unknown = row.probe.endpoint_problem() if row.probe else row.absent
    host, port = row.probe.endpoint() if row.probe and not unknown else ("", 0)
    further = row.probe.further_endpoints() if row.probe else ""
    for vantage in row.row.vantages:
        line = Target(
            deployment=deployment.name,
            check=row.id,
            vantage=vantage,
            source=row.path.source,
            destination=row.path.destination,
            host=host,
            port=port,
            protocol=row.path.port.rpartition("/")[2],
            purpose=row.path.purpose,
            severity=(settings and settings.severity) or row.row.severity,
            kind=str(row.row.probe["kind"]),
            needed=not row.row.unused,
            here=vantage == tested,
            document=_document(deployment, row),
            remark=why_untestable(row, deployment.rows) or unknown or _seen_from(vantage, host, tested, own),
        )
        yield line
        if further:
            yield replace(line, host="", port=0, remark=further)


def _seen_from(vantage: str, host: str, tested: str, own: frozenset[str]) -> str:
    if vantage not in own:
        return f"{host} {LOOPBACK_ELSEWHERE}" if is_loopback(host) else f"needs vantage {vantage}"
    return f"tested here as {tested}" if tested and vantage != tested else ""


def _document(deployment: Deployment, row: DeploymentRow) -> str:
    reference = row.row.references[0]
    place = f"{deployment.catalogue().documents[reference.document].title}: {reference.section}"
    return f"{place}: {reference.line}" if reference.line else place


def _check_target(check: Check) -> Target:
    settings = check.settings
    host, port = settings.endpoint() if isinstance(settings, ProbeSettings) else (check.host, 0)
    unknown = settings.endpoint_problem() if isinstance(settings, ProbeSettings) else ""
    return Target(
        deployment=check.deployment,
        check=check.name,
        vantage=check.vantage,
        source=check.path.source,
        destination=check.path.destination,
        host="" if unknown else host,
        port=0 if unknown else port,
        protocol=check.path.port.rpartition("/")[2],
        purpose=check.path.purpose,
        severity=check.severity,
        kind=check.kind,
        needed=True,
        here=True,
        document="",
        remark=unknown,
    )


_HEADINGS = ("FROM", "CHECK", "SOURCE", "DESTINATION", "HOST", "PORT", "HERE", "PURPOSE")


def as_table(lines: Sequence[Target]) -> str:
    """The table for people: for each deployment what is reached, and below it what has no known host, and why."""
    sections: list[str] = []
    for deployment in dict.fromkeys(line.deployment for line in lines):
        own = [line for line in lines if line.deployment == deployment]
        cells = [_HEADINGS] + [_cells(line) for line in own if line.host]
        widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADINGS))]
        table = [_aligned(row, widths) for row in cells]
        missing = dict.fromkeys((line.check, line.remark) for line in own if not line.host)
        rest = ["", "Without a host:", *(f"  {check}: {remark}" for check, remark in missing)] if missing else []
        sections.append("\n".join([deployment, "", *table, *rest]))
    return "\n\n".join(sections) + "\n"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cells(line: Target) -> tuple[str, ...]:
    purpose = f"{line.purpose} ({line.remark})" if line.remark else line.purpose
    here = "yes" if line.here else "no"
    port = f"{line.port}/{line.protocol}"
    return line.vantage, line.check, line.source, line.destination, line.host, port, here, purpose


def as_json(lines: Sequence[Target]) -> str:
    """The table for programs: a list of objects with the fields of `Target`."""
    return json.dumps([asdict(line) for line in lines], indent=2) + "\n"
