"""All checks that a configuration wants."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from agent.core.check import Check, Path, Plan, UntestableRow
from agent.core.durations import duration
from agent.probes._settings import Model, ProbeSettings
from agent.profiles import Expansion, ExpansionContext, expand
from agent.profiles.deployment import as_deployment
from agent.settings.checks import CheckSettings
from agent.settings.completion import completed
from agent.settings.model import Configuration
from agent.settings.problems import Path as ConfigurationPath
from agent.settings.references import RESERVED_DEPLOYMENT, timeout_too_long
from agent.settings.snapshot import STATIC, Snapshot

_MOST_PROBLEMS = 20
"""Problems of one source that are told one by one."""


def plan(configuration: Configuration, snapshots: Sequence[Snapshot] = ()) -> Plan:
    """All checks that are wanted, deployments first: those of the configuration, then those of each source in turn.

    A source that finds a configured deployment completes it. Any other name that is taken already stays with its first
    owner; what a source found under it is told in `problems`.
    """
    gathered = _Gathered(configuration)
    deployments, besides = completed(configuration.deployments, snapshots)
    gathered.add(Snapshot(STATIC, configuration.checks, deployments))
    for snapshot in besides:
        gathered.add(snapshot)
    return gathered.plan()


class _Gathered:
    """Checks of several sources, each under a name that nothing else has."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._owners: dict[tuple[str, str], str] = {}
        self._rows: list[Check] = []
        self._custom: list[Check] = []
        self._untestable: list[UntestableRow] = []
        self._problems: list[str] = []

    def add(self, snapshot: Snapshot) -> None:
        problems = list(snapshot.problems)
        for deployment in snapshot.deployments:
            if self._takes("deployment", as_deployment(deployment).name, snapshot.source, problems):
                rows = expansion(deployment, self._configuration)
                self._rows += self._fitting(rows.checks, snapshot.source, problems)
                self._untestable += rows.untestable
        found = [it for it in snapshot.checks if self._takes("check", it.name, snapshot.source, problems)]
        lost = {it.name for it in snapshot.checks} - {it.name for it in found}
        checks = [_without(lost, custom_check(settings, self._configuration)) for settings in found]
        self._custom += self._fitting(checks, snapshot.source, problems)
        self._problems += [f"{snapshot.source}: {problem}" for problem in _in_short(problems)]

    def plan(self) -> Plan:
        names = frozenset(check.name for check in self._custom)
        custom = [_without(set(check.depends_on) - names, check) for check in self._custom]
        return Plan((*self._rows, *custom), tuple(self._untestable), tuple(self._problems))

    def _takes(self, kind: str, name: str, source: str, problems: list[str]) -> bool:
        owner = self._owners.get((kind, name))
        if owner is None:
            self._owners[(kind, name)] = "the configuration" if source == STATIC else source
            return True
        taken = "it is found twice" if owner == source else f"{owner} has one of this name already"
        problems.append(f"the {kind} {name} is left out: {taken}")
        return False

    def _fitting(self, checks: Iterable[Check], source: str, problems: list[str]) -> Iterator[Check]:
        """The checks whose times go together with the defaults of the configuration, with where they come from."""
        for check in checks:
            if check.timeout > check.every:
                problems.append(f"{check.key} is left out: {timeout_too_long(check.every, check.timeout)}")
            else:
                yield check if check.origin == source else replace(check, origin=source)


def _without(left_out: Set[str], check: Check) -> Check:
    """The check, without dependencies on what is left out: what nobody looks at can block nothing.

    Nor can a check of the same name from elsewhere, which is another one.
    """
    if left_out.isdisjoint(check.depends_on):
        return check
    return replace(check, depends_on=tuple(name for name in check.depends_on if name not in left_out))


def _in_short(problems: Sequence[str]) -> list[str]:
    more = len(problems) - _MOST_PROBLEMS
    return [*problems[:_MOST_PROBLEMS], *([f"and {more} more problems"] if more > 0 else [])]


def expansion(deployment: Model, configuration: Configuration) -> Expansion:
    """The rows of one deployment, with the defaults of the configuration."""
    defaults = configuration.defaults
    return expand(
        deployment,
        ExpansionContext(
            vantages=frozenset(configuration.vantage),
            every=defaults.every,
            timeout=defaults.timeout,
            slo=defaults.slo,
            latency_objective=defaults.latency_objective,
        ),
    )


def custom_check(settings: CheckSettings, configuration: Configuration) -> Check:
    """The check outside any deployment, with the defaults of the configuration for what it does not say."""
    probe, defaults = settings.probe, configuration.defaults
    vantage = configuration.vantage[0]
    every = settings.every or defaults.every
    endpoint = probe.endpoint()
    return Check(
        deployment=RESERVED_DEPLOYMENT,
        system="custom",
        component="custom",
        name=settings.name,
        kind=probe.kind,
        vantage=vantage,
        settings=probe,
        every=every,
        timeout=settings.timeout or min(every, defaults.timeout),
        slo=settings.slo or defaults.slo,
        latency_objective=settings.latency_objective or defaults.latency_objective,
        severity=settings.severity,
        target=probe.target(),
        host=endpoint.host,
        path=Path(vantage, endpoint.host, f"{endpoint.port}/{probe.transport}", "your own check"),
        depends_on=tuple(dict.fromkeys(settings.depends_on)),
        labels=tuple(sorted(settings.labels.items())),
    )


def timeout_problems(configuration: Configuration) -> Iterator[tuple[ConfigurationPath, str]]:
    """Rows of deployments whose timeout is longer than their interval, and checks that no run can end in time."""
    for position, deployment in enumerate(configuration.deployments):
        for check in expansion(deployment, configuration).checks:
            path: ConfigurationPath = ("deployments", position, "rows", check.name)
            if check.timeout > check.every:
                yield path, timeout_too_long(check.every, check.timeout)
            elif message := _too_short_for_probe(check):
                yield path, f"{message}, and every: no less than that"
    for position, settings in enumerate(configuration.checks):
        if message := _too_short_for_probe(custom_check(settings, configuration)):
            yield ("checks", position, "probe", "hold"), f"{message}, or a shorter hold"


def _too_short_for_probe(check: Check) -> str:
    """What to say where the timeout ends each run before there can be a verdict; mostly nothing."""
    needed = check.settings.shortest_run() if isinstance(check.settings, ProbeSettings) else 0.0
    if not needed or check.timeout > needed:
        return ""
    return (
        f"no run can end within the timeout of {duration(check.timeout)}, because of the hold of {duration(needed)}; "
        f"write timeout: more than {duration(needed)}"
    )
