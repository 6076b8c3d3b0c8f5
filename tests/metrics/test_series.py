"""The series of a check, from its first moment to its last, as a scrape shows them."""

from dataclasses import replace

import pytest

from agent.core.check import CHECK_LABELS, Severity
from agent.core.measures import Measure
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Phase, Reason
from agent.core.transitions import Standing, State
from tests.metrics.support import (
    ANSWERS,
    DEPTH,
    DEPTH_OF,
    MESSAGES,
    OPENMETRICS,
    RETRIES,
    SUITE,
    TEXT,
    Scene,
    failure,
    make_check,
    success,
)

CHECK = make_check()
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"
DOWN = failure(Reason.CONNECT_REFUSED)
INCONCLUSIVE = Outcome(Verdict.UNKNOWN, 1_700_000_000.0, 0.1, (0.1, None, None, None, None, None))
COUNTERS = ("probe_runs_total", "probe_failures_total", "probe_inconclusive_total", "probe_slow_total")


@pytest.mark.parametrize("name", COUNTERS)
async def test_counters_exist_at_zero_from_the_first_moment(name: str) -> None:
    (sample,) = await Scene(CHECK).samples(name)
    assert sample.value == 0
    assert sample.labels == CHECK.series_labels
    assert tuple(sample.labels) == CHECK_LABELS


async def test_a_check_that_has_not_run_says_nothing_of_its_target() -> None:
    scene = Scene(CHECK)
    assert await scene.values("probe_state", "state") == {("unknown",): 1}
    for name in ("probe_success", "probe_duration_seconds", "probe_last_run_timestamp_seconds", "probe_failing"):
        assert await scene.samples(name) == []


@pytest.mark.parametrize(
    ("outcomes", "counts"),
    [
        ([success(0.2)], (1, 0, 0, 0)),
        ([success(0.5)], (1, 0, 0, 0)),
        ([success(0.501)], (1, 0, 0, 1)),
        ([success(0.9, stalled=True)], (1, 0, 0, 0)),
        ([success(), DOWN, DOWN], (3, 2, 0, 0)),
        ([INCONCLUSIVE, failure(Reason.OVERLOADED)], (2, 0, 2, 0)),
    ],
)
async def test_counters_count(outcomes: list[Outcome], counts: tuple[int, ...]) -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, *outcomes)
    assert tuple([await scene.value(name) for name in COUNTERS]) == counts


@pytest.mark.parametrize(
    ("outcomes", "state", "value"),
    [
        ([DOWN], "unknown", None),
        ([success()], "up", 1),
        ([success(), DOWN], "up", 0),
        ([success(), INCONCLUSIVE], "up", 1),
        ([DOWN, DOWN], "down", 0),
        ([success(), INCONCLUSIVE, INCONCLUSIVE], "unknown", None),
    ],
)
async def test_success_is_that_of_the_last_conclusive_run_while_there_is_a_verdict(
    outcomes: list[Outcome], state: str, value: float | None
) -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, *outcomes)
    assert await scene.values("probe_state", "state") == {(state,): 1}
    assert await scene.value("probe_success") == value


async def test_a_blocked_check_has_no_verdict() -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, success(0.25, Measure(DEPTH, 3), Measure(MESSAGES, 7), Measure(RETRIES, 1)))
    standing = scene.standings[CHECK]
    transition = standing.block(("broker",), 1_700_000_100.0)
    assert transition is not None
    scene.sink.moved(CHECK, transition, standing)
    assert await scene.values("probe_state", "state") == {("blocked",): 1}
    assert await scene.samples("probe_success") == []
    assert await scene.samples("probe_failing") == []
    assert await scene.value("probe_state_since_timestamp_seconds") == 1_700_000_100
    assert await scene.samples("probe_depth") == await scene.samples("nats_server_messages_total") == []
    assert await scene.value("probe_retries_total") == 1
    scene.sink.observed(CHECK, success(0.25, Measure(DEPTH, 4)), standing)  # was under way
    assert await scene.samples("probe_depth") == []


async def test_a_check_that_is_not_blocked_any_more_has_measured_nothing_yet() -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, success(0.25, Measure(DEPTH, 3)))
    standing = scene.standings[CHECK]
    for transition in (standing.block(("broker",), 1_700_000_100.0), standing.unblock(1_700_000_200.0)):
        assert transition is not None
        scene.sink.moved(CHECK, transition, standing)
    assert await scene.samples("probe_depth") == []
    scene.run(CHECK, success(0.25, Measure(DEPTH, 5)))
    assert await scene.value("probe_depth") == 5


@pytest.mark.parametrize(
    ("outcome", "labels"),
    [
        (DOWN, ("connect_refused", "connect", "target")),
        (failure(Reason.CONNECT_TIMEOUT), ("connect_timeout", "connect", "path")),
        (failure(Reason.UNEXPECTEDLY_OPEN, None), ("unexpectedly_open", "none", "target")),
    ],
)
async def test_failing_says_why_only_while_down(outcome: Outcome, labels: tuple[str, ...]) -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, outcome)
    assert await scene.samples("probe_failing") == []
    scene.run(CHECK, outcome)
    assert await scene.values("probe_failing", "reason", "phase", "blame") == {labels: 1}
    scene.run(CHECK, failure(Reason.OVERLOADED))
    assert await scene.values("probe_failing", "reason", "phase", "blame") == {labels: 1}
    scene.run(CHECK, success())
    assert await scene.samples("probe_failing") == []


async def test_reasons_are_counted_whoever_is_to_blame() -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, DOWN, DOWN, failure(Reason.OVERLOADED), INCONCLUSIVE)
    reasons = await scene.values("probe_failure_reasons_total", "reason")
    assert reasons == {("connect_refused",): 2, ("overloaded",): 1}


async def test_times_of_the_last_run() -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, success(0.25))
    assert await scene.value("probe_duration_seconds") == 0.25
    phases = await scene.values("probe_phase_duration_seconds", "phase")
    assert phases == {("connect",): 0.125, ("response",): 0.125}
    assert await scene.value("probe_last_run_timestamp_seconds") == 1_700_000_000.25
    assert await scene.value("probe_last_success_timestamp_seconds") == 1_700_000_000.25
    scene.run(CHECK, replace(DOWN, started=1_700_000_015.0))
    assert await scene.value("probe_last_run_timestamp_seconds") == 1_700_000_015
    assert await scene.value("probe_last_success_timestamp_seconds") == 1_700_000_000.25


async def test_what_a_probe_waits_on_purpose_is_no_latency() -> None:
    scene = Scene(replace(CHECK, latency_objective=0.5))
    check = next(iter(scene.standings))
    scene.run(check, success(70.25, waited=70.0))
    assert await scene.value("probe_duration_seconds") == 70.25
    assert await scene.value("probe_slow_total") == 0
    assert await scene.value("probe_latency_seconds_sum") == 0.25


async def test_what_the_configuration_says() -> None:
    check = make_check(
        depends_on=("broker", "provider"), labels=(("team", 'a "b"\\c\nd'), ("check", "x"), ("a-b", "y"))
    )
    scene = Scene(check)
    assert await scene.value("probe_interval_seconds") == 15
    assert await scene.value("probe_slo_ratio") == 0.999
    assert await scene.value("probe_latency_objective_seconds") == 0.5
    (info,) = await scene.samples("probe_target_info")
    assert info.labels == check.series_labels | {
        "target": "http://meshery.meshery.svc:9081/healthz/live",
        "purpose": "Liveness",
        "source": "static",
        "severity": "page",
        "label_team": 'a "b"\\c\nd',
        "label_check": "x",
        "label_a_b": "y",
    }
    assert await scene.values("probe_depends_on_info", "on") == {("broker",): 1, ("provider",): 1}


async def test_a_gauge_and_an_info_last_as_long_as_they_are_measured() -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, success(0.1, Measure(DEPTH, 3.5), Measure(DEPTH_OF, 1, ("a",)), Measure(SUITE, 1, ("1", "us"))))
    assert await scene.value("probe_depth") == 3.5
    assert await scene.values("probe_depth_of", "place") == {("a",): 1}
    assert await scene.values("probe_suite_info", "version", "owner") == {("1", "us"): 1}
    scene.run(CHECK, success(0.1, Measure(DEPTH_OF, 2, ("b",))))
    assert await scene.value("probe_depth") is None
    assert await scene.values("probe_depth_of", "place") == {("b",): 2}
    assert await scene.samples("probe_suite_info") == []


async def test_a_counter_adds_up_and_a_remote_counter_is_taken_as_it_is() -> None:
    scene = Scene(CHECK)
    assert await scene.samples("probe_retries_total") == []
    for messages in (1000, 7):
        measures = Measure(RETRIES, 2), Measure(ANSWERS, 1, ("200",)), Measure(MESSAGES, messages)
        scene.run(CHECK, success(0.1, *measures))
    assert await scene.value("probe_retries_total") == 4
    assert await scene.value("nats_server_messages_total") == 7
    scene.run(CHECK, failure(Reason.SERVER_ERROR, Phase.RESPONSE, Measure(ANSWERS, 1, ("503",))))
    assert await scene.value("probe_retries_total") == 4
    assert await scene.values("probe_answers_total", "code") == {("200",): 2, ("503",): 1}
    assert await scene.value("nats_server_messages_total") is None


async def test_a_value_outside_the_closed_set_of_its_label_is_other() -> None:
    scene = Scene(CHECK)
    hostile = [Measure(ANSWERS, 1, (f'x"}} {number}\n',)) for number in range(100)]
    scene.run(CHECK, success(0.1, *hostile, Measure(SUITE, 1, ("666", 'ours "quoted"'))))
    assert await scene.values("probe_answers_total", "code") == {("other",): 100}
    assert await scene.values("probe_suite_info", "version", "owner") == {("other", 'ours "quoted"'): 1}


async def test_the_histogram_takes_successful_runs_that_no_stall_has_touched() -> None:
    other = make_check("broker", component="broker")
    same = make_check("server-ready")
    scene = Scene(CHECK, same, other)
    scene.run(CHECK, success(0.02), success(3.0), success(0.02, stalled=True), DOWN)
    scene.run(same, success(0.02), success(60.0))
    counts = await scene.values("probe_latency_seconds_count", "component")
    assert counts == {("server",): 4, ("broker",): 0}
    buckets = await scene.values("probe_latency_seconds_bucket", "component", "le")
    expected = {"0.01": 0, "0.025": 2, "2.5": 2, "5.0": 3, "10.0": 3, "+Inf": 4}
    assert {bound: buckets["server", bound] for bound in expected} == expected
    (sample,) = [s for s in await scene.samples("probe_latency_seconds_sum") if s.labels["component"] == "server"]
    assert sample.value == pytest.approx(63.04)
    assert tuple(sample.labels) == ("deployment", "system", "component", "kind", "vantage")


async def test_examples_are_runs_whose_traces_are_exported() -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, success(0.02, traceparent=f"{TRACEPARENT}01"), success(3.0, traceparent=f"{TRACEPARENT}00"))
    buckets = await scene.samples("probe_latency_seconds_bucket")
    examples = {sample.labels["le"]: sample.exemplar for sample in buckets if sample.exemplar}
    assert list(examples) == ["0.025"]
    example = examples["0.025"]
    assert example is not None
    assert example.labels == {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
    assert example.value == 0.02
    assert example.timestamp is not None
    assert float(str(example.timestamp)) == 1_700_000_000.25
    assert "4bf92f" not in await scene.text(TEXT)


async def test_checks_are_counted_by_state() -> None:
    second, third = make_check("second"), make_check("third")
    scene = Scene(CHECK, second, third)
    scene.run(CHECK, success())
    scene.run(second, DOWN, DOWN)
    states = await scene.values("reachd_checks", "state")
    assert states == {("up",): 1, ("down",): 1, ("unknown",): 1, ("blocked",): 0}


async def test_a_removed_check_leaves_nothing_behind() -> None:
    gone = make_check("gone", component="broker")
    scene = Scene(CHECK, gone)
    scene.run(gone, success(0.1, Measure(DEPTH, 1)), DOWN)
    assert 'component="broker"' in await scene.text()
    scene.sink.removed(gone)
    text = await scene.text()
    assert "gone" not in text
    assert "broker" not in text
    scene.sink.observed(gone, success(), scene.standings[gone])
    assert "gone" not in await scene.text()


async def test_a_changed_check_with_the_same_labels_keeps_its_counters() -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, success(), DOWN)
    changed = replace(CHECK, every=30.0, severity=Severity.TICKET, target="http://other/", latency_objective=0.1)
    scene.sink.replaced(CHECK, changed, scene.standings[CHECK])
    assert await scene.value("probe_runs_total") == 2
    assert await scene.value("probe_interval_seconds") == 30
    assert await scene.values("probe_target_info", "target", "severity") == {("http://other/", "ticket"): 1}
    scene.sink.observed(changed, success(0.2), scene.standings[CHECK])
    assert await scene.value("probe_slow_total") == 1


async def test_a_changed_check_with_other_labels_begins_anew() -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, success(), DOWN)
    changed = replace(CHECK, component="ui")
    scene.sink.replaced(CHECK, changed, Standing(State.UP, 1.0, True))
    assert await scene.values("probe_runs_total", "component") == {("ui",): 0}
    assert await scene.values("probe_latency_seconds_count", "component") == {("ui",): 0}


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
async def test_both_formats_have_the_same_samples(accept: str) -> None:
    scene = Scene(CHECK)
    scene.run(CHECK, DOWN, replace(DOWN, measures=[Measure(DEPTH, float("inf")), Measure(RETRIES, 0.5)]))
    names = {sample.name for family in (await scene.families(accept)).values() for sample in family.samples}
    assert {"probe_runs_total", "probe_target_info", "probe_failing", "reachd_build_info", "probe_depth"} <= names
