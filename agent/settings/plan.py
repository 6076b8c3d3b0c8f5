"""All checks that a configuration wants, and where it asks for more than the agent may do."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path as FilePath

from agent.core.check import Check, Path, Plan, UntestableRow
from agent.probes._settings import Model, ProbeSettings, duration
from agent.profiles import Expansion, ExpansionContext, expand
from agent.settings.checks import CheckSettings
from agent.settings.model import Configuration
from agent.settings.problems import Path as ConfigurationPath
from agent.settings.problems import Problem
from agent.settings.references import RESERVED_DEPLOYMENT, timeout_too_long

_MOST_HOSTS_NAMED = 20


def plan(configuration: Configuration) -> Plan:
    """All checks that are wanted, deployments first, in the order in which they are written."""
    checks: list[Check] = []
    untestable: list[UntestableRow] = []
    for deployment in configuration.deployments:
        expansion = _expansion(deployment, configuration)
        checks += expansion.checks
        untestable += expansion.untestable
    checks += [_custom_check(settings, configuration) for settings in configuration.checks]
    return Plan(tuple(checks), tuple(untestable))


def _expansion(deployment: Model, configuration: Configuration) -> Expansion:
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


def _custom_check(settings: CheckSettings, configuration: Configuration) -> Check:
    probe, defaults = settings.probe, configuration.defaults
    vantage = configuration.vantage[0]
    endpoint = probe.endpoint()
    transport = "udp" if probe.kind == "dns" else "tcp"
    return Check(
        deployment=RESERVED_DEPLOYMENT,
        system="custom",
        component="custom",
        name=settings.name,
        kind=probe.kind,
        vantage=vantage,
        settings=probe,
        every=settings.every or defaults.every,
        timeout=settings.timeout or defaults.timeout,
        slo=settings.slo or defaults.slo,
        latency_objective=settings.latency_objective or defaults.latency_objective,
        severity=settings.severity,
        target=probe.target(),
        host=endpoint.host,
        path=Path(vantage, endpoint.host, f"{endpoint.port}/{transport}", "your own check"),
        depends_on=tuple(dict.fromkeys(settings.depends_on)),
        labels=tuple(sorted(settings.labels.items())),
    )


def timeout_problems(configuration: Configuration) -> Iterator[tuple[ConfigurationPath, str]]:
    """Rows of deployments whose timeout is longer than their interval, and checks that no run can end in time."""
    for position, deployment in enumerate(configuration.deployments):
        for check in _expansion(deployment, configuration).checks:
            path: ConfigurationPath = ("deployments", position, "rows", check.name)
            if check.timeout > check.every:
                yield path, timeout_too_long(check.every, check.timeout)
            elif message := _too_short_for_probe(check):
                yield path, f"{message}, and every: no less than that"
    for position, settings in enumerate(configuration.checks):
        if message := _too_short_for_probe(_custom_check(settings, configuration)):
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


def warnings(configuration: Configuration) -> list[Problem]:
    """What is allowed but will probably hurt. Looks at files, touches no network."""
    checks = plan(configuration).checks
    messages = [*_capacity(checks, configuration), *_missing_files(configuration), *_state_file(configuration)]
    if not checks:
        messages.append(("checks", "there is nothing to check; add deployments or checks"))
    return [Problem(*configuration.place(path), path, message) for path, message in messages]


def warned_paths(configuration: Configuration) -> dict[ConfigurationPath, str]:
    """What `warnings` may be about: paths, with the way in which people read them."""
    sections: tuple[ConfigurationPath, ...] = (
        ("limits", "per_host"),
        ("limits", "in_flight"),
        ("state_file",),
        ("checks",),
    )
    return {
        **{path: ".".join(map(str, path)) for path in sections},
        **{path: shown for path, shown, _ in _files_in(configuration, (), "")},
    }


def _capacity(checks: Iterable[Check], configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Where hung targets hold more places than there are: a check holds `timeout` of every `every` seconds."""
    load: defaultdict[str, float] = defaultdict(float)
    for check in checks:
        load[check.host] += check.timeout / check.every
    limits = configuration.limits
    crowded = sorted((host for host in load if load[host] > limits.per_host), key=lambda host: -load[host])
    for host in crowded[:_MOST_HOSTS_NAMED]:
        yield (
            "limits.per_host",
            f"if {host} hangs, its checks want {load[host]:.1f} probes at the same time, but only {limits.per_host} "
            "may run, so slots will be missed; raise limits.per_host or every, or lower timeout",
        )
    if len(crowded) > _MOST_HOSTS_NAMED:
        yield "limits.per_host", f"the same holds for {len(crowded) - _MOST_HOSTS_NAMED} more hosts"
    total = sum(load.values())
    if total > limits.in_flight:
        yield (
            "limits.in_flight",
            f"if all targets hang, their checks want {total:.1f} probes at the same time, but only {limits.in_flight} "
            "may run, so slots will be missed; raise limits.in_flight or every, or lower timeout",
        )


def _missing_files(configuration: Configuration) -> Iterator[tuple[str, str]]:
    for steps, path, file in _files_in(configuration, (), ""):
        if steps == ("state_file",):
            continue
        try:
            found = os.access(file, os.R_OK)
        except ValueError:
            found = False
        if not found:
            yield path, f"the file {file} is missing or cannot be read; it is looked for again whenever it is needed"


def _state_file(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """The file is replaced by a new one, so its directory has to let files be made."""
    if configuration.state_file is None:
        return
    directory = configuration.state_file.parent
    if not directory.is_dir():
        yield "state_file", f"there is no directory {directory}, so nothing will be remembered; make it"
    elif not os.access(directory, os.W_OK | os.X_OK):
        yield (
            "state_file",
            f"the agent may not write in {directory}, so nothing will be remembered; give it the right to",
        )


def _files_in(value: object, path: ConfigurationPath, shown: str) -> Iterator[tuple[ConfigurationPath, str, FilePath]]:
    """All files that are named, with the path of their key, and this path as people read it."""
    if isinstance(value, FilePath):
        yield path, shown, value
    elif isinstance(value, Model):
        name = getattr(value, "name", None)
        below = f"{shown.rpartition('[')[0]}[{name}]" if shown.endswith("]") and isinstance(name, str) else shown
        for field, info in type(value).model_fields.items():
            if field not in value.model_fields_set:
                continue  # a default is a place to look, not a promise
            key = info.alias or field
            yield from _files_in(getattr(value, field), (*path, key), f"{below}.{key}" if below else key)
    elif isinstance(value, tuple) and not hasattr(value, "_fields"):
        for position, item in enumerate(value):
            yield from _files_in(item, (*path, position), f"{shown}[{position}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _files_in(item, (*path, key), f"{shown}.{key}")
