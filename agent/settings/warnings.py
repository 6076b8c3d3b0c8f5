"""What a configuration may say but will probably regret."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path as FilePath

from agent.core.check import Check, Severity, Vantage
from agent.probes._kube_access import KubeAccessSettings
from agent.probes._settings import Model
from agent.profiles.deployment import as_deployment
from agent.settings.checks import CheckSettings
from agent.settings.discovery import Discovery
from agent.settings.model import Configuration
from agent.settings.plan import expansion, plan
from agent.settings.problems import Path as ConfigurationPath
from agent.settings.problems import Problem

_MOST_HOSTS_NAMED = 20


def warnings(configuration: Configuration) -> list[Problem]:
    """What is allowed but will probably hurt. Looks at files, touches no network."""
    checks = plan(configuration).checks
    messages = [
        *_capacity(checks, configuration),
        *_missing_files(configuration),
        *_unusable_kubeconfigs(checks, configuration),
        *_state_file(configuration),
        *_every_replica_does_all(configuration),
        *_pages_that_end_early(configuration),
        *[("vantage", message) for message in untested_deployments(configuration, checks)],
    ]
    if names_nothing_to_check(configuration):
        messages.append(("checks", "there is nothing to check; add deployments or checks"))
    return [Problem(*configuration.place(path), path, message) for path, message in messages]


def names_nothing_to_check(configuration: Configuration) -> bool:
    """Whether there can be no check, whatever sources find: as in a file that is empty, or not written yet."""
    named = configuration.checks or configuration.deployments or configuration.kubernetes
    return not named and configuration.discovery == Discovery()


def untested_deployments(configuration: Configuration, checks: Iterable[Check]) -> Iterator[str]:
    """What there is to say of each deployment that none of the planned checks is of."""
    here, tested = " or ".join(configuration.vantage), {check.deployment for check in checks}
    for deployment in configuration.deployments:
        name = as_deployment(deployment).name
        if name in tested:
            continue
        elsewhere = [
            vantage for vantage in Vantage if expansion(deployment, _standing_at(vantage, configuration)).checks
        ]
        rows = f"; there are rows for {', '.join(elsewhere)}" if elsewhere else ", nor from any other"
        more = ", unless discovery finds more of it" if _discovers_deployments(configuration) else ""
        yield f"no row of deployment {name} can be tested from vantage {here}{rows}{more}"


def _discovers_deployments(configuration: Configuration) -> bool:
    kubernetes = configuration.kubernetes
    return bool(configuration.discovery.files) or (kubernetes is not None and kubernetes.discovery)


def _standing_at(vantage: Vantage, configuration: Configuration) -> Configuration:
    return configuration.model_copy(update={"vantage": (vantage,)})


def warned_paths(configuration: Configuration) -> dict[ConfigurationPath, str]:
    """What `warnings` may be about: paths, with the way in which people read them."""
    sections: tuple[ConfigurationPath, ...] = (
        ("limits", "per_host"),
        ("limits", "in_flight"),
        ("state_file",),
        ("checks",),
        ("vantage",),
        ("kubernetes",),
    )
    return {
        **{path: ".".join(map(str, path)) for path in sections},
        **{path: shown for path, shown, _ in _files_in(configuration, (), "")},
        **{
            ("checks", position, "depends_on"): _depends_on(settings)
            for position, settings in enumerate(configuration.checks)
        },
    }


def _every_replica_does_all(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Replicas cannot know of each other but by a Lease."""
    kubernetes = configuration.kubernetes
    if kubernetes is not None and kubernetes.election is None and kubernetes.sharing is None:
        yield (
            "kubernetes",
            "each replica with this configuration runs all checks and exports all series of the cluster; add election "
            "where there may be several, or sharing to spread the checks",
        )


def _pages_that_end_early(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Checks that page, and depend on one that does not: while that one is down, nobody is paged for either."""
    severities = {settings.name: settings.severity for settings in configuration.checks}
    for settings in configuration.checks:
        for other in settings.depends_on if settings.severity is Severity.PAGE else ():
            severity = severities.get(other, Severity.PAGE)
            if severity is not Severity.PAGE:
                yield (
                    _depends_on(settings),
                    f"this check pages, but while {other} is down it is blocked, which ends its page, and the severity "
                    f"of {other} is {severity}; give that severity: page, or do not depend on it",
                )


def _depends_on(settings: CheckSettings) -> str:
    return f"checks[{settings.name}].depends_on"


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


def _unusable_kubeconfigs(checks: Iterable[Check], configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Kubeconfigs that are there, but by which no check can reach its cluster."""
    problems: defaultdict[FilePath, set[str]] = defaultdict(set)
    for check in checks:
        settings = check.settings
        if isinstance(settings, KubeAccessSettings) and settings.kubeconfig and os.access(settings.kubeconfig, os.R_OK):
            problems[settings.kubeconfig].add(settings.endpoint_problem())
    for _, path, file in _files_in(configuration, (), ""):
        for problem in sorted(problems.get(file, set()) - {""}):
            yield path, f"{problem}; until then its checks are unknown"


def _state_file(configuration: Configuration) -> Iterator[tuple[str, str]]:
    file = configuration.state_file
    try:
        fault, remedy = _fault_of_state_file(file) if file is not None else ("", "")
    except OSError as error:
        fault, remedy = f"{file} cannot be looked at ({error.strerror})", "check name and rights"
    if fault:
        yield "state_file", f"{fault}, so nothing will be remembered; {remedy}"


def _fault_of_state_file(file: FilePath) -> tuple[str, str]:
    """Why nothing will be remembered in it, and what to do; empty where that is not so.

    The file is replaced by a new one, so its directory has to let files be made.
    """
    directory = file.parent
    if file.is_dir():
        return f"{file} is a directory", f"name a file, as in {file / 'state.json'}"
    if file.exists() and not file.is_file():
        return f"{file} is no regular file", "name one, or leave the key out"
    if not directory.is_dir():
        return f"there is no directory {directory}", "make it"
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"the agent may not write in {directory}", "give it the right to"
    return "", ""


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
