"""The catalogue is consistent in itself: whatever it refers to is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import PHASES, Blame, Reason
from agent.probes import settings_of
from agent.profiles import profile_names, row_of
from agent.profiles.catalogue import Catalogue, catalogue
from agent.profiles.templates import MissingFactError, fill
from tests.profiles.support import bare, checks, deployment, expansion


@pytest.fixture(params=profile_names())
def profile(request: pytest.FixtureRequest) -> Catalogue:
    return catalogue(str(request.param))


def test_ids_are_unique(profile: Catalogue) -> None:
    ids = [row.id for row in profile.rows]
    assert len(ids) == len(set(ids))


def test_all_that_rows_refer_to_is_there(profile: Catalogue) -> None:
    ids = {row.id for row in profile.rows}
    answers = {"up", "down", "unknown", *Reason}
    for row in profile.rows:
        assert row.component in profile.components, row.id
        assert set(row.vantages) <= set(profile.viewpoints), row.id
        assert set(row.depends_on) <= ids, row.id
        assert {reference.document for reference in row.references} <= set(profile.documents), row.id
        assert set(row.meaning) <= answers, row.id
        assert "up" in row.meaning, f"{row.id} does not say what a good answer means"
        assert row.answers_from is None or row.answers_from.pods in profile.pods, row.id
    for view in profile.viewpoints.values():
        assert view.pods is None or view.pods in profile.pods
    for step in profile.comparison:
        assert set(step.rows) <= ids, step.step


def test_every_component_has_rows(profile: Catalogue) -> None:
    assert {row.component for row in profile.rows} == set(profile.components)


def test_every_kind_of_probe_exists(profile: Catalogue) -> None:
    for row in profile.rows:
        settings_of(str(row.probe["kind"]))


def test_every_fact_that_can_be_missing_has_a_sentence_that_says_what_to_set() -> None:
    missing = expansion(bare()).untestable
    assert len(missing) > 30
    assert all(row.why.startswith("no ") and (": set " in row.why or "; " in row.why) for row in missing)
    without_session = expansion(deployment(without=("session",))).untestable
    assert {row.why.partition(":")[0] for row in without_session} == {"no session"}


def test_every_sentence_about_a_missing_fact_is_told_somewhere() -> None:
    bare_cluster = {"clusters": [{"name": "east", "api": "https://203.0.113.7:6443"}]}
    told = {
        row.why
        for of in (
            bare(),
            bare({"checklist": True}),
            bare({"operator": {"metrics": "https://operator.example.com/metrics"}}),
            deployment(without=("session",)),
            deployment(bare_cluster),
            deployment(without=("release",)),
        )
        for row in expansion(of).untestable
    }
    assert set(catalogue("meshery").absent.values()) == told


def test_every_check_leads_back_to_its_row() -> None:
    for name, check in checks(deployment()).items():
        row = row_of("meshery", name)
        assert row is not None
        assert row.component == check.component, name
    assert _row_id("adapter-istio") == "adapter-{each.name}"
    assert _row_id("adapter-istio-ping") == "adapter-{each.name}-ping"
    assert _row_id("adapter-registration") == "adapter-registration"
    assert row_of("meshery", "no-such-check") is None
    assert row_of("custom", "server-live") is None


def test_what_an_answer_means_is_looked_up_by_reason_then_by_verdict() -> None:
    row = row_of("meshery", "provider")
    assert row is not None
    assert "egress proxy" in row.says(outcome(Reason.PROXY_REFUSED))
    assert row.says(outcome(Reason.DNS_TIMEOUT)) == row.meaning["down"]
    assert row.says(outcome()) == row.meaning["up"]
    assert row.says(outcome(Reason.OVERLOADED)) == ""


def test_a_row_does_not_explain_why_the_agent_could_not_ask() -> None:
    for row in catalogue("meshery").rows:
        for reason in (reason for reason in Reason if reason.blame is Blame.AGENT):
            assert row.says(outcome(reason)) == row.meaning.get(reason, ""), row.id


def test_a_row_does_not_guess_where_a_run_says_how_to_get_a_verdict() -> None:
    row = catalogue("meshery").row("checklist-server-memory")
    assert "Install metrics-server" in row.says(outcome(verdict=Verdict.UNKNOWN))
    assert row.says(outcome(verdict=Verdict.UNKNOWN, advice="Set namespace to Meshery's.")) == ""


@pytest.mark.parametrize("name", ["meshsync-live", "operator-health", "operator-ready"])
def test_a_row_takes_nobody_for_dead_whom_the_path_hides(name: str) -> None:
    row = catalogue("meshery").row(name)
    for reason in (reason for reason in Reason if reason.blame is Blame.PATH):
        said = row.says(outcome(reason))
        assert not said or "cannot be reached from here" in said


@pytest.mark.parametrize("name", ["node-port-server", "node-port-broker-client", "node-port-broker-monitor"])
def test_a_refused_node_port_may_have_its_service_without_a_pod(name: str) -> None:
    """kube-proxy refuses connections to both alike."""
    said = catalogue("meshery").row(name).says(outcome(Reason.CONNECT_REFUSED))
    assert "No ready Pod is behind the Service, or no Service has this NodePort" in said


def outcome(reason: Reason | None = None, *, verdict: Verdict | None = None, advice: str = "") -> Outcome:
    """A run that ended so; its verdict is what follows from its reason, unless it is given."""
    blamed = Verdict.UNKNOWN if reason and reason.blame is Blame.AGENT else Verdict.DOWN
    phases = (0.001, *[None] * (len(PHASES) - 1))
    return Outcome(verdict or (blamed if reason else Verdict.UP), 1000.0, 0.001, phases, reason, advice=advice)


def _row_id(check: str) -> str:
    row = row_of("meshery", check)
    return row.id if row else ""


# A template, the facts, and what it becomes.
TEMPLATES = [
    ("plain", {}, "plain"),
    ("{a}", {"a": [1, 2]}, [1, 2]),
    ("{a}/b", {"a": "x"}, "x/b"),
    ("{a.b}", {"a": {"b": 7}}, 7),
    ({"k": "{a?}", "m": 1}, {}, {"m": 1}),
    ({"k": {"n": "{a?}/ca.crt"}}, {}, {"k": {}}),
    (["x", "{a?}", "{b}"], {"b": ("y", "z")}, ["x", "y", "z"]),
    (r"^\w{2,3}\{$", {}, r"^\w{2,3}\{$"),
    (True, {}, True),
]


@pytest.mark.parametrize(("template", "facts", "filled"), TEMPLATES)
def test_templates_are_filled(template: object, facts: dict[str, object], filled: object) -> None:
    assert fill(template, facts) == filled


def test_a_missing_fact_is_named() -> None:
    with pytest.raises(MissingFactError) as raised:
        fill({"url": "{broker.monitor}/varz"}, {"broker": {}})
    assert raised.value.fact == "broker.monitor"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def test_no_row_calls_what_changes_the_platform(profile: Catalogue) -> None:
    for row in profile.rows:
        texts = list(_texts(row.probe))
        assert row.probe.get("method", "GET") == "GET", row.id
        assert not any("register" in text or "ApplyOperation" in text or "/user/token" in text for text in texts), (
            row.id
        )
