"""`${NAME}` in the texts of a configuration stands for an environment variable, `$$` for a dollar sign."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from agent.probes._settings import EnvironmentText
from agent.settings.document import YamlList, YamlMapping
from agent.settings.problems import Path

_REFERENCE = re.compile(r"\$\$|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Report = Callable[[Path, str], None]


def expand(top: YamlMapping, environment: Mapping[str, str] | None, report: Report) -> dict[Path, str]:
    """Expands every text value in place; returns the texts with variables as they were written.

    environment: None where variables are not allowed. A text that cannot be expanded is reported and left as it is.
    """
    written: dict[Path, str] = {}
    for container, path in _containers(top, ()):
        for key, value in list(_entries(container)):
            if isinstance(value, str) and "$" in value:
                try:
                    expanded = expand_text(value, environment)
                except ValueError as error:
                    report((*path, key), str(error))
                    continue
                _put(container, key, expanded)
                if isinstance(expanded, EnvironmentText):
                    written[(*path, key)] = value
    return written


def _containers(container: YamlMapping | YamlList, path: Path) -> Iterator[tuple[YamlMapping | YamlList, Path]]:
    yield container, path
    for key, value in _entries(container):
        if isinstance(value, YamlMapping | YamlList):
            yield from _containers(value, (*path, key))


def _entries(container: YamlMapping | YamlList) -> Iterable[tuple[str | int, object]]:
    return container.items() if isinstance(container, YamlMapping) else enumerate(container)


def _put(container: YamlMapping | YamlList, key: str | int, value: str) -> None:
    if isinstance(container, YamlMapping):
        container[str(key)] = value
    else:
        container[int(key)] = value


def expand_text(text: str, environment: Mapping[str, str] | None) -> str:
    """The expanded text. Raises ValueError with a remedy."""
    expanded = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal expanded
        if match[0] == "$$":
            return "$"
        name, closed = match[1], match[2]
        if not closed:
            raise ValueError("'${' is never closed; write ${NAME}, or $${ for the characters themselves")
        if not _NAME.fullmatch(name):
            raise ValueError(f"{match[0][:80]!r} names no environment variable; write ${{NAME}}, or $${{ for the text")
        if environment is None:
            raise ValueError(f"no environment variable may be used here; write the value, or $${{{name}}} for the text")
        if name not in environment:
            raise ValueError(f"the environment variable {name} is not set; set it, or write $${{{name}}} for the text")
        expanded = True
        return environment[name]

    result = _REFERENCE.sub(value_of, text)
    return EnvironmentText(result) if expanded else result


def values_in(text: str, environment: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """The values that a text which could be expanded takes from the environment, with their places in its expansion."""
    shift = 0
    for match in _REFERENCE.finditer(text):
        value = "$" if match[0] == "$$" else environment[match[1]]
        if match[0] != "$$":
            yield match.start() + shift, value
        shift += len(value) - len(match[0])
