"""Deployments of the configuration, with what sources find of them beside it."""

from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from agent.probes._settings import Model
from agent.profiles.deployment import Deployment, as_deployment
from agent.settings.snapshot import Snapshot


def completed(
    configured: Iterable[Model], snapshots: Sequence[Snapshot]
) -> tuple[tuple[Deployment, ...], list[Snapshot]]:
    """The configured deployments as the first source completes each that finds it, and what sources found besides.

    One that is found under a configured name, but of another profile, is another one, and stays with its source. Where
    the two do not go together the configured one stays as it is, and the source is told.
    """
    whole = {deployment.name: deployment for deployment in map(as_deployment, configured)}
    incomplete = dict(whole)
    besides = []
    for snapshot in snapshots:
        others, problems = [], []
        for found in map(as_deployment, snapshot.deployments):
            own = incomplete.get(found.name)
            if own is None or own.profile != found.profile:
                others.append(found)
                continue
            del incomplete[found.name]
            try:
                whole[found.name] = own.completed_by(found)
            except ValidationError as error:
                problems.append(_does_not_fit(found.name, error))
        besides.append(snapshot._replace(deployments=tuple(others), problems=(*snapshot.problems, *problems)))
    return tuple(whole.values()), besides


def _does_not_fit(name: str, error: ValidationError) -> str:
    why = "; ".join(details["msg"].removeprefix("Value error, ") for details in error.errors())
    return f"what is found of the deployment {name} does not go together with the configuration: {why}"
