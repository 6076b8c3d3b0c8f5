"""The platforms that reachd knows: each a catalogue of connections as data, and the settings of a deployment of it.

A profile is `<name>.yaml`, the catalogue, and `<name>.py`, which binds `DEPLOYMENT` to the class of its settings.
"""

from functools import cache
from importlib import import_module
from importlib.resources import files

from agent.probes._settings import Model
from agent.profiles.catalogue import Row, catalogue
from agent.profiles.deployment import Deployment, as_deployment
from agent.profiles.expansion import Expansion, ExpansionContext, expand_deployment

__all__ = ["Expansion", "ExpansionContext", "Row", "deployment_model", "expand", "profile_names", "row_of"]


@cache
def profile_names() -> tuple[str, ...]:
    """The names of all profiles, in alphabetical order."""
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def deployment_model(profile: str) -> type[Deployment]:
    """The settings class of a deployment of this profile. Raises KeyError for an unknown profile."""
    if profile not in profile_names():
        raise KeyError(profile)
    model = import_module(f"agent.profiles.{profile}").DEPLOYMENT
    if not (isinstance(model, type) and issubclass(model, Deployment)):
        raise TypeError(f"agent.profiles.{profile}.DEPLOYMENT is not a Deployment class")
    return model


def expand(deployment: Model, context: ExpansionContext) -> Expansion:
    """The checks of a deployment from where the agent stands, and the rows that it cannot test."""
    return expand_deployment(as_deployment(deployment), context)


def row_of(system: str, check: str) -> Row | None:
    """The row of a catalogue that a check comes from, for what its answers mean; None outside the profiles."""
    for profile in profile_names():
        if catalogue(profile).system == system:
            return catalogue(profile).row_of(check)
    return None
