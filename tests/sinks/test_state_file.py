"""The state file: there and back, at once, and where it cannot be written."""

from os import mkfifo
from pathlib import Path
from threading import Event, Thread

from hypothesis import given
from hypothesis import strategies as some
from structlog.testing import capture_logs

from agent.core.transitions import Remembered, State
from agent.sinks.state_file import Memory, StateFile, parse_states, render_states

SOME = {
    "prod/broker-client": Remembered(State.DOWN, 1_700_000_000.25, True),
    "prod/server-live": Remembered(State.UP, 1_600_000_000.0, False),
}
REMEMBERED = some.builds(Remembered, some.sampled_from(State), some.floats(1, 2e9), some.booleans())


@given(some.dictionaries(some.text(), REMEMBERED, max_size=20))
def test_what_is_written_is_read(states: Memory) -> None:
    assert parse_states(render_states(states), 2e9) == states


@given(REMEMBERED, some.floats(1, 2e9))
def test_a_beginning_in_the_future_is_at_least_since_now(state: Remembered, now: float) -> None:
    (read,) = parse_states(render_states({"a/b": state}), now).values()
    assert read == (state if state.since <= now else Remembered(state.state, now, False))


def test_there_and_back(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.json")
    assert file.read() == {}
    file.write(SOME)
    assert file.read() == SOME
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_file_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    file = StateFile(folder / "state.json")
    with capture_logs() as lines:
        file.write(SOME)
        file.write(SOME)
        folder.mkdir()
        file.write(SOME)
        file.write(SOME)
    assert [line["event"] for line in lines] == [
        "the state file cannot be written",
        "the state file can be written again",
    ]
    assert lines[0]["problem"] == "no such file or directory"
    assert file.read() == SOME


def test_what_cannot_take_the_files_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    with capture_logs() as lines:
        StateFile(tmp_path / "state.json").write(SOME)
    assert len(lines) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_device_or_pipe_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    """As with `state_file: /dev/null` of an agent that runs as root."""
    pipe = tmp_path / "pipe"
    mkfifo(pipe)
    with capture_logs() as lines:
        file = StateFile(pipe)
        assert file.read() == {}
        file.write(SOME)
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert [(line["event"], line["problem"]) for line in lines] == [
        ("the state file cannot be used; times begin afresh", "it is no regular file"),
        ("the state file cannot be written", "it is no regular file"),
    ]


def test_no_reader_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    small = {"a/b": Remembered(State.UP, 1.0, True)}
    large = {f"prod/check-{i}": Remembered(State.DOWN, 1.0 + i, True) for i in range(5000)}
    StateFile(path).write(small)
    done = Event()

    def write() -> None:
        for round_ in range(20):
            StateFile(path).write(small if round_ % 2 else large)
        done.set()

    writer = Thread(target=write)
    writer.start()
    sizes = set()
    while not done.is_set():
        sizes.add(len(StateFile(path).read()))
    writer.join()
    assert sizes <= {len(small), len(large)}
