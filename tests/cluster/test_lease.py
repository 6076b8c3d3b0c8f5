"""What a Lease says, and what is written into it, whatever was in it before."""

from datetime import datetime

import pytest

from agent.cluster.identity import Identity
from agent.cluster.lease import Lease
from agent.probes._json import JsonObject, child


def lease(**spec: object) -> Lease:
    return Lease.read({"metadata": {"name": "observer", "labels": {"kept": "yes"}}, "spec": spec})


def spec_of(document: JsonObject) -> JsonObject:
    return child(document, "spec")


def test_a_holder_renews_and_another_one_takes_over() -> None:
    taken = lease(holderIdentity="other", leaseTransitions=4, acquireTime="long ago").held_by("me", 15.0)
    assert child(taken, "metadata") == {"name": "observer", "labels": {"kept": "yes"}}
    spec = spec_of(taken)
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == ("me", 15, 5)
    assert spec["acquireTime"] == spec["renewTime"]
    assert datetime.fromisoformat(str(spec["renewTime"])).tzinfo is not None
    renewed = spec_of(Lease.read(taken).held_by("me", 15.0))
    assert (renewed["acquireTime"], renewed["leaseTransitions"]) == (spec["acquireTime"], 5)
    assert renewed["renewTime"] != spec["renewTime"]


def test_who_gives_up_leaves_no_holder() -> None:
    released = Lease.read(lease(holderIdentity="me", leaseDurationSeconds=15).released())
    assert (released.holder, released.seconds) == ("", 15.0)


@pytest.mark.parametrize("transitions", [2**31 - 1, 1e300, -5, "many", None, [], True])
def test_absurd_transitions_are_survived(transitions: object) -> None:
    after = spec_of(lease(leaseTransitions=transitions).held_by("me", 15.0))["leaseTransitions"]
    assert isinstance(after, int)
    assert 0 <= after < 2**31


@pytest.mark.parametrize("document", [{}, {"spec": []}, {"spec": {"holderIdentity": 7, "leaseDurationSeconds": "x"}}])
def test_what_makes_no_sense_is_held_by_nobody(document: JsonObject) -> None:
    read = Lease.read(document)
    assert (read.name, read.holder, read.seconds) == ("", "", None)


def test_a_process_knows_the_one_before_it_in_the_same_pod_alone() -> None:
    here = Identity.of_this_process({"POD_NAME": "reachd-0"})
    before = Identity.of_this_process({"POD_NAME": "reachd-0"})
    assert str(here) != str(before)
    assert here.succeeds(str(before))
    assert not here.succeeds(str(here))
    assert not here.succeeds(str(Identity.of_this_process({"POD_NAME": "reachd-01"})))
    outside = Identity.of_this_process({})
    assert not outside.succeeds(str(Identity.of_this_process({})))
