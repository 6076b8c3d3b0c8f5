"""What a source of checks knows at one moment."""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from agent.probes._settings import Model
from agent.settings.checks import CheckSettings

STATIC = "static"
"""The source of what the configuration itself says."""


class Snapshot(NamedTuple):
    """What a source found last.

    source: its name, the label `source` of what comes from it. at: unix time at which it last could ask for all of it;
    0 when it never could. problems: what it cannot ask, and what it found that cannot be watched, in words for people.
    """

    source: str
    checks: tuple[CheckSettings, ...] = ()
    deployments: tuple[Model, ...] = ()
    problems: tuple[str, ...] = ()
    at: float = 0.0


class Source(Protocol):
    """Something that finds checks. Two equal sources do the same work, so a reload leaves such a one alone."""

    @property
    def name(self) -> str: ...

    def goes_on_from(self, other: "Source") -> bool:
        """Takes over what `other` knows, if that asks for the very same, only more or less often; whether it does."""

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """What it knows, again and again, without an end.

        Where it cannot ask, it goes on with what it knew, says so, and `at` stays: "I could not ask" is not "nothing".
        """
