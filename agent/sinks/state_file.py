"""Since when each check is in its state, kept over a restart in a small file."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog

from agent.core.transitions import State

_log = structlog.get_logger("agent.status")
_MAX_BYTES = 64 * 1024 * 1024

Remembered = dict[str, tuple[State, float]]
"""State and its beginning (unix time) by `deployment/check`."""


def read_states(path: Path) -> Remembered:
    """What the file remembers; nothing, with a line in the log, when it cannot be read."""
    try:
        with path.open(encoding="utf-8") as file:
            return parse_states(file.read(_MAX_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _log.warning("the state file cannot be used; times begin afresh", file=str(path), problem=str(error))
        return {}


def parse_states(text: str) -> Remembered:
    """Raises ValueError when `text` is not what `render_states` makes."""
    document = json.loads(text)
    if not isinstance(document, dict) or not isinstance(states := document.get("states"), dict):
        raise ValueError("not a state file of reachd")
    found: Remembered = {}
    for key, entry in states.items():
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], int | float)):
            raise ValueError(f"{key!r} has no state and time")
        found[key] = (State(entry[0]), float(entry[1]))
    return found


def render_states(states: Mapping[str, tuple[State, float]]) -> str:
    """The text of the file."""
    return json.dumps({"states": {key: [state.value, since] for key, (state, since) in states.items()}}, indent=0)


def write_states(path: Path, text: str) -> None:
    """Replaces the file at once, so that no reader ever sees half of it. A failure is logged, not raised."""
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False) as file:
            file.write(text)
        Path(file.name).replace(path)
    except OSError as error:
        _log.warning("the state file cannot be written", file=str(path), problem=str(error))
