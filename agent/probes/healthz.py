"""Asks a health endpoint, and reads which of its checks pass."""

from typing import ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.reasons import Reason
from agent.core.run import ProbeFailure, Run
from agent.probes._healthz_format import (
    HEALTHZ_CHECK,
    MAX_HEALTH,
    HealthAnswer,
    describe_failure,
    is_health_failure,
    measure_health,
    parse_health,
)
from agent.probes._http import Response, exchange
from agent.probes._http_settings import HttpRequestSettings
from agent.probes._http_target import CLOSE
from agent.probes._network import Network
from agent.probes._settings import HttpUrl
from agent.probes._text import quote
from agent.probes._verdict import StatusExpectation, judge_status


class HealthzExpectation(StatusExpectation):
    """What the health endpoint must say."""

    checks: tuple[str, ...] = ()
    """Names of checks to export one by one, and whose absence is told. Any check that fails makes the target down."""


class HealthzSettings(HttpRequestSettings):
    """Keys of the `healthz` probe."""

    summary: ClassVar[str] = "Asks a health endpoint verbosely and reads its [+] and [-] lines, or its plain `ok`."
    metrics: ClassVar[tuple[Metric, ...]] = (HEALTHZ_CHECK, *HttpRequestSettings.metrics)

    kind: Literal["healthz"] = "healthz"
    url: HttpUrl
    """The health endpoint; `verbose=1` is appended."""
    expect: HealthzExpectation = HealthzExpectation()
    """What the health endpoint must say."""

    def probe(self, network: Network) -> Probe:
        return HealthzProbe(self, network)


class HealthzProbe:
    """Asks once with a fresh connection and judges status and lines."""

    def __init__(self, settings: HealthzSettings, network: Network) -> None:
        self._expect = settings.expect
        self._target = settings.request_target(network, _verbose(settings.url))

    async def run(self, run: Run) -> None:
        request = self._target.request(run, headers=CLOSE)
        with await self._target.open(run) as connection:
            response = await exchange(run, connection, request, MAX_HEALTH)
        answer = parse_health(response.body)
        measure_health(run, answer, self._expect.checks)
        if answer.failed or (is_health_failure(response) and response.status not in self._expect.status):
            raise ProbeFailure(
                Reason.HEALTH_CHECK_FAILED,
                f"the health endpoint answers {response.status}: {describe_failure(answer, response.body)}",
            )
        run.detail = judge_status(
            response, self._expect, url=self._target.url, authenticated=self._target.authenticated
        )
        if not run.detail:
            self._judge(run, response, answer)

    def _judge(self, run: Run, response: Response, answer: HealthAnswer) -> None:
        if response.truncated:
            raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"the health answer is longer than {MAX_HEALTH} bytes")
        if not answer.recognised:
            raise ProbeFailure(Reason.BODY_MISMATCH, f"not a health answer: {quote(response.body)}")
        unnamed = [name for name in self._expect.checks if name not in answer.names]
        if unnamed:
            run.detail = f"healthy, but the answer names no {' and no '.join(unnamed)}, as that of an old server"
        elif answer.remarks:
            run.detail = quote("; ".join(answer.remarks))


def _verbose(url: str) -> str:
    parts = urlsplit(url)
    if "verbose" in parse_qs(parts.query, keep_blank_values=True):
        return url
    return parts._replace(query=f"{parts.query}&verbose=1" if parts.query else "verbose=1").geturl()


SETTINGS = HealthzSettings
