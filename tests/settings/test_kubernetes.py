"""What may be said under the key `kubernetes`."""

import pytest
from pydantic import ValidationError

from agent.settings.kubernetes import ElectionSettings, KubernetesSettings, SharingSettings

LEASES = {"namespace": "reachd"}


def test_one_namespace_is_all_that_leases_need() -> None:
    settings = KubernetesSettings.model_validate({"election": LEASES, "sharing": LEASES})
    assert settings.election == ElectionSettings(namespace="reachd", name="reachd", duration=15.0, retry=2.0)
    assert settings.sharing == SharingSettings(namespace="reachd", group="reachd", duration=15.0, retry=2.0)


def test_durations_are_written_as_everywhere() -> None:
    settings = KubernetesSettings.model_validate({"election": {**LEASES, "duration": "30s", "retry": "500ms"}})
    assert settings.election is not None
    assert (settings.election.duration, settings.election.retry) == (30.0, 0.5)


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ({"context": "east"}, "context goes with kubeconfig"),
        ({"namespaces": ["Not A Name"]}, "write 'not-a-name'"),
        ({"election": {}}, "Field required"),
        ({"election": {**LEASES, "duration": "2500ms"}}, "whole seconds, as in 15s"),
        ({"sharing": {**LEASES, "duration": "500ms"}}, "greater than or equal to 1"),
        ({"sharing": {**LEASES, "duration": "3s"}}, "retry must be a third of duration at most"),
        ({"watch": True}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(wrong: dict[str, object], advice: str) -> None:
    with pytest.raises(ValidationError, match=advice):
        KubernetesSettings.model_validate(wrong)
