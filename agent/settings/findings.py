"""Gathers what is wrong with a configuration as it was read."""

from collections.abc import Collection

from agent.settings.document import Place, place_of
from agent.settings.problems import Path, Problem, render_path


class Findings:
    """Problems by their path in what was read."""

    def __init__(self, top: object, problems: list[Problem], fallback: Place) -> None:
        """`fallback`: the place to name for what is written nowhere."""
        self._top = top
        self._fallback = fallback
        self.problems = problems
        self._paths: set[Path] = set()

    def report(self, path: Path, message: str) -> None:
        place = place_of(path, self._top) or self._fallback
        self.problems.append(Problem(place.file, place.line, render_path(path, self._top), message))
        self._paths.add(path)

    def report_unless_known(self, path: Path, message: str) -> None:
        """Reports what may only follow from a problem that the same value has already."""
        if path not in self._paths:
            self.report(path, message)

    def are_about(self, keys: Collection[str]) -> bool:
        """Whether there is a problem at, or below, one of these top-level keys."""
        return any(path[0] in keys for path in self._paths if path)
