"""One file per protocol; files with a leading underscore are shared.

A protocol's module is named like its kind and binds `SETTINGS` to its settings class. Modules are loaded when their
kind is first asked for, so that an agent pays only for the protocols it uses.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from agent.probes._settings import ProbeSettings


@cache
def probe_kinds() -> tuple[str, ...]:
    """The names of all probe kinds, in alphabetical order."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))


@cache
def settings_of(kind: str) -> type[ProbeSettings]:
    """The settings class of a probe kind, which builds its probe too. Raises KeyError for an unknown kind."""
    if kind not in probe_kinds():
        raise KeyError(kind)
    settings = import_module(f"agent.probes.{kind}").SETTINGS
    if not (isinstance(settings, type) and issubclass(settings, ProbeSettings)):
        raise TypeError(f"agent.probes.{kind}.SETTINGS is not a ProbeSettings class")
    return settings
