"""Since when each check is in its state, kept over a restart in a small file."""

import json
from collections.abc import Mapping
from errno import EINVAL
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import time

import structlog

from agent.core.transitions import Remembered, State

_log = structlog.get_logger("agent.status")
_MAX_CHARACTERS = 64 * 1024 * 1024
_LATEST = 2.0**36
"""A unix time that no clock shows before the year 4000; what is later, or not a number, is no time."""

Memory = dict[str, Remembered]
"""What is remembered, by `deployment/check`."""


class StateFile:
    """The file. What goes wrong with it is logged once, and never raised: checks go on without it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritable = False

    def read(self) -> Memory:
        """What the file remembers; nothing when there is none, or when it cannot be used."""
        try:
            _refuse_devices(self._path)
            with self._path.open(encoding="utf-8") as file:
                return parse_states(file.read(_MAX_CHARACTERS), time())
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._cannot_be_used(_words(error))
        except (ValueError, RecursionError) as error:
            self._cannot_be_used(str(error))
        return {}

    def _cannot_be_used(self, problem: str) -> None:
        _log.warning("the state file cannot be used; times begin afresh", file=str(self._path), problem=problem)

    def write(self, states: Mapping[str, Remembered]) -> None:
        """Replaces the file at once, so that no reader ever sees half of it. Blocks: not for the event loop."""
        try:
            _refuse_devices(self._path)
            _replace(self._path, render_states(states))
        except OSError as error:
            if not self._unwritable:
                _log.warning("the state file cannot be written", file=str(self._path), problem=_words(error))
            self._unwritable = True
        else:
            if self._unwritable:
                _log.info("the state file can be written again", file=str(self._path))
            self._unwritable = False


def _refuse_devices(path: Path) -> None:
    """Raises OSError where a reader might wait for ever, and a new file would take the place of a device or pipe."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(EINVAL, "it is no regular file")


def _words(error: OSError) -> str:
    """The system's words for what went wrong, without the name of the temporary file."""
    return (error.strerror or type(error).__name__).lower()


def parse_states(text: str, now: float) -> Memory:
    """Raises ValueError or RecursionError when `text` is not what `render_states` makes. now: unix time."""
    document = json.loads(text)
    if not isinstance(document, dict) or not isinstance(states := document.get("states"), dict):
        raise ValueError("not a state file of reachd")
    return {key: _parse_entry(key, entry, now) for key, entry in states.items()}


def _parse_entry(key: str, entry: object, now: float) -> Remembered:
    """What began later than now was noted by a clock that was wrong, and has lasted at least since now."""
    match entry:
        case [str(state), int() | float() as since, bool(exact)] if state in set(State) and 0 < since < _LATEST:
            return Remembered(State(state), min(float(since), now), exact and since <= now)
    raise ValueError(f"{key!r} has no state and time")


def render_states(states: Mapping[str, Remembered]) -> str:
    """The text of the file, a line for each check.

    The lines are made one by one: for ten thousand checks at once the encoder would keep the interpreter to itself.
    """
    lines = [f"{json.dumps(key)}: {json.dumps([it.state.value, it.since, it.exact])}" for key, it in states.items()]
    return '{"states": {\n' + ",\n".join(lines) + "\n}}\n"


def _replace(path: Path, text: str) -> None:
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.flush()
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
