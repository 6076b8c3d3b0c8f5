"""The board: what is known of each check, events for readers, and since when over a restart."""

import asyncio
import gc
import json
import tracemalloc
from pathlib import Path
from time import monotonic, sleep, time

import pytest
from structlog.testing import capture_logs

from agent.core.check import CheckKey, Plan
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import PHASES, Reason
from agent.core.transitions import Standing, State
from agent.sinks.history import LENGTH, History
from agent.sinks.status import StateChange, StatusSink
from tests.web.support import check

KEY = check("a").key


def outcome(reason: Reason | None = None, started: float = 1000.0, duration: float = 0.25) -> Outcome:
    """A run that failed for `reason`, when there is one."""
    phases = (duration, *[None] * (len(PHASES) - 1))
    return Outcome(Verdict.UP if reason is None else Verdict.DOWN, started, duration, phases, reason)


class Engine:
    """Feeds a board as the supervisor does."""

    def __init__(self, board: StatusSink, *names: str) -> None:
        self._board = board
        self._checks = {name: check(name) for name in names}
        board.plan_changed(Plan(tuple(self._checks.values())))
        self.standings = {name: board.first_standing(self._checks[name]) for name in names}
        for name in names:
            board.added(self._checks[name], self.standings[name])

    def ran(self, name: str, *outcomes: Outcome) -> None:
        for result in outcomes:
            transition = self.standings[name].judge(result)
            self._board.observed(self._checks[name], result, self.standings[name])
            if transition is not None:
                self._board.moved(self._checks[name], transition, self.standings[name])


class TestEntries:
    def test_the_last_failure_is_kept_however_long_ago(self) -> None:
        board = StatusSink(None)
        engine = Engine(board, "a")
        failure = outcome(Reason.TLS_EXPIRED, started=1.0)
        engine.ran("a", failure, *[outcome(started=2.0 + run) for run in range(3 * LENGTH)])
        entry = board.entry(KEY)
        assert entry is not None
        assert entry.last_failure is failure
        assert entry.last is not None
        assert entry.last.started == 2.0 + 3 * LENGTH - 1
        assert (entry.runs, entry.failures) == (3 * LENGTH + 1, 1)
        assert len(entry.history()) == LENGTH

    def test_an_inconclusive_run_is_no_failure_of_the_target_but_is_shown(self) -> None:
        board = StatusSink(None)
        result = Outcome(Verdict.UNKNOWN, 1.0, 0.1, (0.1, *[None] * 5), Reason.OVERLOADED)
        Engine(board, "a").ran("a", result)
        entry = board.entry(KEY)
        assert entry is not None
        assert entry.failures == 0
        assert entry.last_failure is result

    def test_the_last_run_that_found_the_target_down_is_kept_beside_one_without_a_verdict(self) -> None:
        board = StatusSink(None)
        down = outcome(Reason.CONNECT_TIMEOUT)
        nothing = Outcome(Verdict.UNKNOWN, 1.0, 0.1, (0.1, *[None] * 5), Reason.OVERLOADED)
        Engine(board, "a").ran("a", down, nothing)
        entry = board.entry(KEY)
        assert entry is not None
        assert entry.last_down is down
        assert entry.last_failure is nothing

    def test_a_first_failure_is_marked_as_rechecked(self) -> None:
        board = StatusSink(None)
        engine = Engine(board, "a")
        engine.ran("a", outcome(started=1), outcome(Reason.CONNECT_RESET, 2), outcome(started=3))
        engine.ran("a", outcome(Reason.CONNECT_RESET, 4), outcome(Reason.CONNECT_RESET, 5))
        entry = board.entry(KEY)
        assert entry is not None
        marks = [(run.started, run.verdict, run.rechecked) for run in entry.history()]
        assert marks == [
            (1, Verdict.UP, False),
            (2, Verdict.DOWN, True),
            (3, Verdict.UP, False),
            (4, Verdict.DOWN, True),
            (5, Verdict.DOWN, False),
        ]
        assert entry.standing.state is State.DOWN

    def test_entries_follow_the_plan(self) -> None:
        board = StatusSink(None)
        Engine(board, "a", "b", "c")
        board.plan_changed(Plan((check("c"), check("a"), check("d"))))
        board.removed(check("b"))
        assert [entry.check.name for entry in board.entries()] == ["c", "a"]
        assert board.entry(check("b").key) is None
        assert board.entry(CheckKey("nowhere", "a")) is None

    def test_a_replaced_check_keeps_its_past(self) -> None:
        board = StatusSink(None)
        engine = Engine(board, "a")
        engine.ran("a", outcome())
        after = check("a", every=99.0)
        board.replaced(check("a"), after, engine.standings["a"])
        entry = board.entry(KEY)
        assert entry is not None
        assert entry.check is after
        assert entry.runs == 1


class TestHistory:
    @pytest.mark.parametrize("runs", [0, 1, LENGTH - 1, LENGTH, LENGTH + 1, 3 * LENGTH + 7])
    def test_the_last_sixty_runs_oldest_first(self, runs: int) -> None:
        history = History()
        for number in range(runs):
            history.add(outcome(started=float(number)), rechecked=False)
        assert [run.started for run in history.runs()] == [float(it) for it in range(max(0, runs - LENGTH), runs)]

    @pytest.mark.parametrize("reason", [None, *Reason])
    def test_every_reason_comes_back(self, reason: Reason | None) -> None:
        history = History()
        history.add(outcome(reason, started=1_800_000_000.25, duration=0.5), rechecked=True)
        (run,) = history.runs()
        assert (run.reason, run.started, run.duration, run.rechecked) == (reason, 1_800_000_000.25, 0.5, True)

    def test_a_check_costs_little_memory(self) -> None:
        """At 10,000 checks, every kilobyte is ten megabytes."""
        results = [outcome(started=float(number)) for number in range(LENGTH)]
        gc.collect()
        tracemalloc.start()
        try:
            histories = [History() for _ in range(100)]
            for history in histories:
                for result in results:
                    history.add(result, rechecked=False)
            size, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert size / len(histories) < 1200


class TestEvents:
    async def test_a_reader_hears_of_changes_from_then_on(self) -> None:
        board = StatusSink(None)
        engine = Engine(board, "a", "b")
        engine.ran("a", outcome())
        reading = asyncio.ensure_future(self._read(board, 2))
        await asyncio.sleep(0)
        engine.ran("b", outcome(started=5.0))
        engine.ran("a", outcome(Reason.DNS_TIMEOUT, 6.0), outcome(Reason.DNS_TIMEOUT, 7.0))
        async with asyncio.timeout(30):
            first, second = await reading
        assert first == StateChange(check("b").key, 5.0, State.UNKNOWN, State.UP, None)
        assert second == StateChange(KEY, 7.0, State.UP, State.DOWN, Reason.DNS_TIMEOUT)

    async def test_a_reader_that_is_too_slow_is_cut_off_and_the_others_are_not(self) -> None:
        board = StatusSink(None)
        engine = Engine(board, "a")
        slow, quick = board.events(), asyncio.ensure_future(self._read(board, 3000))
        first = asyncio.ensure_future(anext(slow))
        await asyncio.sleep(0)
        for number in range(1500):
            engine.ran("a", outcome(), outcome(Reason.CONNECT_REFUSED), outcome(Reason.CONNECT_REFUSED))
            if number % 100 == 0:
                await asyncio.sleep(0)
        async with asyncio.timeout(30):
            assert await first
            assert len([change async for change in slow]) == 0
            assert len(await quick) == 3000

    async def test_a_ready_reader_hears_of_all_checks_that_change_at_once(self) -> None:
        names = [f"c{number}" for number in range(1200)]
        board = StatusSink(None)
        engine = Engine(board, *names)
        reading = asyncio.ensure_future(self._read(board, len(names)))
        await asyncio.sleep(0)
        for name in names:
            engine.ran(name, outcome())
        async with asyncio.timeout(30):
            assert [change.key.check for change in await reading] == names

    async def test_closing_ends_every_reader(self) -> None:
        board = StatusSink(None)
        readers = [asyncio.ensure_future(self._read(board, 1)) for _ in range(3)]
        await asyncio.sleep(0)
        await board.close()
        async with asyncio.timeout(30):
            assert await asyncio.gather(*readers) == [[], [], []]

    @staticmethod
    async def _read(board: StatusSink, most: int) -> list[StateChange]:
        found: list[StateChange] = []
        async for change in board.events():
            found.append(change)
            if len(found) == most:
                break
        return found


def _contents(file: Path, seconds: float) -> bytes:
    """What is in the file, as soon as there is one."""
    deadline = monotonic() + seconds
    while not file.exists() and monotonic() < deadline:
        sleep(0.05)
    return file.read_bytes()


class TestRestart:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "state.json"

    async def _leave(self, file: Path, *outcomes: Outcome) -> None:
        """An agent that ran check `a`, and stopped."""
        board = StatusSink(file)
        Engine(board, "a").ran("a", *outcomes)
        await board.close()

    def _come_back(self, file: Path, *outcomes: Outcome) -> Standing:
        engine = Engine(StatusSink(file), "a")
        engine.ran("a", *outcomes)
        return engine.standings["a"]

    async def test_the_same_state_keeps_its_beginning(self, file: Path) -> None:
        failures = [outcome(Reason.CONNECT_REFUSED, at) for at in (50.0, 51.0)]
        await self._leave(file, *failures, outcome(started=100.0))
        standing = self._come_back(file, outcome(started=500.0))
        assert (standing.state, standing.since, standing.since_exact) == (State.UP, 100.0, True)

    async def test_a_beginning_that_was_not_seen_is_still_at_least_since(self, file: Path) -> None:
        await self._leave(file, outcome(started=100.0))
        standing = self._come_back(file, outcome(started=500.0))
        assert (standing.state, standing.since, standing.since_exact) == (State.UP, 100.0, False)

    async def test_the_same_outage_keeps_its_beginning(self, file: Path) -> None:
        failures = [outcome(Reason.CONNECT_REFUSED, at) for at in (100.0, 101.0)]
        await self._leave(file, outcome(started=50.0), *failures)
        standing = self._come_back(file, *[outcome(Reason.DNS_TIMEOUT, at) for at in (500.0, 501.0)])
        assert (standing.state, standing.since) == (State.DOWN, 101.0)

    async def test_another_state_begins_anew(self, file: Path) -> None:
        await self._leave(file, outcome(started=100.0))
        standing = self._come_back(file, *[outcome(Reason.CONNECT_REFUSED, at) for at in (500.0, 501.0)])
        assert (standing.state, standing.since) == (State.DOWN, 501.0)

    async def test_what_has_no_verdict_yet_is_not_forgotten_by_another_restart(self, file: Path) -> None:
        await self._leave(file, outcome(started=100.0))
        await self._leave(file)
        assert self._come_back(file, outcome(started=500.0)).since == 100.0

    def test_a_check_that_comes_back_keeps_its_beginning(self) -> None:
        board = StatusSink(None)
        Engine(board, "a").ran("a", outcome(started=100.0))
        board.removed(check("a"))
        Engine(board, "a")
        board.removed(check("a"))  # before it has run again
        engine = Engine(board, "a")
        engine.ran("a", outcome(started=500.0))
        assert (engine.standings["a"].state, engine.standings["a"].since) == (State.UP, 100.0)

    def test_what_was_long_away_begins_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        board = StatusSink(None)
        Engine(board, "a").ran("a", outcome(started=100.0))
        board.removed(check("a"))
        monkeypatch.setattr("agent.sinks.status.monotonic", lambda: monotonic() + 3601)
        engine = Engine(board, "a")
        engine.ran("a", outcome(started=5000.0))
        assert (engine.standings["a"].since, engine.standings["a"].since_exact) == (5000.0, False)

    def test_of_what_is_removed_only_so_much_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agent.sinks.status._MOST_REMOVED", 2)
        board, names = StatusSink(None), ("a", "b", "c")
        engine = Engine(board, *names)
        for name in names:
            engine.ran(name, outcome(started=100.0))
            board.removed(check(name))
        again = Engine(board, *names)
        for name in names:
            again.ran(name, outcome(started=500.0))
        assert [again.standings[name].since for name in names] == [500.0, 100.0, 100.0]

    async def test_a_beginning_in_the_future_is_not_shown(self, file: Path) -> None:
        failures = [outcome(Reason.CONNECT_REFUSED, at) for at in (50.0, 51.0)]
        await self._leave(file, *failures, outcome(started=2.0**35))
        before = time()
        standing = self._come_back(file, outcome(started=before))
        assert before <= standing.since <= time()
        assert not standing.since_exact

    async def test_without_a_file_it_is_at_least_since(self, file: Path) -> None:
        standing = self._come_back(file, outcome(started=500.0))
        assert (standing.since, standing.since_exact) == (500.0, False)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b'{"states": []}',
            b'{"states": {"prod/a": null}}',
            b'{"states": {"prod/a": ["sideways", 1, true]}}',
            b'{"states": {"prod/a": ["up", "yesterday", true]}}',
            b'{"states": {"prod/a": ["up", NaN, true]}}',
            b'{"states": {"prod/a": ["up", 1e300, true]}}',
            b'{"states": {"prod/a": ["up", 1]}}',
            b'{"states": {"prod/a": ["up", 1, 1]}}',
            b"\xff\xfe\x00",
            b"[" * 100_000,
        ],
        ids=lambda content: str(content[:40]),
    )
    async def test_a_broken_file_is_said_and_left_aside(self, file: Path, content: bytes) -> None:
        await asyncio.to_thread(file.write_bytes, content)
        with capture_logs() as logs:
            standing = self._come_back(file, outcome(started=500.0))
        assert standing.since == 500.0
        assert [line["log_level"] for line in logs] == ["warning"]
        assert logs[0]["file"] == str(file)
        await self._leave(file, outcome(started=100.0))
        assert self._come_back(file, outcome(started=500.0)).since == 100.0

    async def test_a_change_reaches_the_file_within_seconds_and_whole(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agent.sinks.status._WRITE_AFTER", 0.1)
        board = StatusSink(file)
        engine = Engine(board, "a")
        engine.ran("a", outcome(started=100.0))
        written = await asyncio.to_thread(_contents, file, 10.0)
        assert json.loads(written)["states"] == {"prod/a": ["up", 100.0, False]}
        assert [path.name for path in file.parent.iterdir()] == [file.name]
        await board.close()

    async def test_a_folder_that_is_not_there_harms_nothing(self, tmp_path: Path) -> None:
        with capture_logs() as logs:
            await self._leave(tmp_path / "missing" / "state.json", outcome())
        assert [line["log_level"] for line in logs] == ["warning"]
