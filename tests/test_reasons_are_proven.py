"""No reason is in the closed list that no test has produced."""

import pytest

from agent.core.reasons import Reason
from tests.conftest import SEEN

WITHOUT_SOCKET = {Reason.ADDRESS_FORBIDDEN, Reason.OVERLOADED, Reason.PERMISSION_DENIED, Reason.INTERNAL_ERROR}
"""The agent gives up by itself, perhaps before it has asked anybody."""
NOT_YET = {Reason.ENDPOINT_UNREACHABLE}
"""What the Operator publishes is read from the Broker's resource in Kubernetes, which no check does so far."""


def test_every_reason_has_been_produced(request: pytest.FixtureRequest) -> None:
    """Says something only after a whole session: of a part of the tests nothing follows."""
    config, session = request.config, request.session
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword or config.option.markexpr:
        pytest.skip("only a part of the tests was asked for")
    if session.testsfailed:
        pytest.skip("tests have failed, and may have produced what is missing")
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped"):
        pytest.skip("tests were left out, and may have produced what is missing")
    seen = config.stash[SEEN]
    assert set(Reason) - seen.all == NOT_YET
    assert not set(Reason) - NOT_YET - WITHOUT_SOCKET - seen.with_socket
