"""The lines of a verbose health answer, as Kubernetes' apiserver and Meshery Server write them.

`[+]name ok` passed, `[-]name failed: reason` did not, `[i]name text` is for information. The answer without verbose is
`ok`, and old servers never say more.
"""

from collections.abc import Iterable
from typing import NamedTuple

from agent.core.measures import OTHER, Label, Metric, MetricType
from agent.core.run import Run
from agent.probes._http import Response
from agent.probes._text import quote

HEALTHZ_CHECK = Metric(
    "healthz_check",
    MetricType.GAUGE,
    "Whether a check inside the target passed: 1 or 0. Checks that nobody named in the configuration are one: other.",
    (Label("name", None),),
)
MAX_HEALTH = 64 * 1024
"""Bytes of a health answer. A verbose one of a large API server has 5 KB."""

_ALL_IS_WELL = " check passed"  # healthz, livez or readyz before it
_MAX_SHOWN = 5


class HealthAnswer(NamedTuple):
    """What a health answer says: names that passed, `name: reason` by name that failed, and remarks."""

    passed: tuple[str, ...]
    failed: dict[str, str]
    remarks: tuple[str, ...]
    recognised: bool
    """Whether it is a health answer at all: it has such lines, or says in its own words that all is well."""

    @property
    def names(self) -> frozenset[str]:
        """All checks that it names."""
        return frozenset((*self.passed, *self.failed))


def parse_health(body: bytes) -> HealthAnswer:
    """Reads a health answer; nothing in it can be relied on."""
    text = body.decode("utf-8", "replace").strip()
    passed: list[str] = []
    failed: dict[str, str] = {}
    remarks: list[str] = []
    all_is_well = text.lower() == "ok"
    for line in text.splitlines():
        name, _, words = line[3:].partition(" ")
        match line[:3]:
            case "[+]":
                passed.append(name)
            case "[-]":
                failed[name] = words.strip().removeprefix("failed: ")
            case "[i]":
                remarks.append(words.strip() or name)
            case _:
                all_is_well = all_is_well or line.rstrip().endswith(_ALL_IS_WELL)
    recognised = all_is_well or bool(passed or failed or remarks)
    return HealthAnswer(tuple(passed), failed, tuple(remarks), recognised)


def is_health_failure(response: Response) -> bool:
    """Whether a server says that it is unwell itself: 500 or 503 in plain words, where a proxy's error page is HTML."""
    if response.status not in (500, 503):
        return False
    is_html = "html" in response.headers.get("content-type", "").lower() or response.body.lstrip()[:1] == b"<"
    return not is_html and bool(response.body.strip())


def measure_health(run: Run, answer: HealthAnswer, known: Iterable[str]) -> None:
    """Notes the checks by name; those not in `known` together as `other`, which failed when one of them did."""
    known = frozenset(known)
    others = answer.names - known
    for name in sorted(answer.names & known):
        run.measure(HEALTHZ_CHECK, 0.0 if name in answer.failed else 1.0, name)
    if others:
        run.measure(HEALTHZ_CHECK, 0.0 if others & answer.failed.keys() else 1.0, OTHER)


def describe_failure(answer: HealthAnswer, body: bytes) -> str:
    """Which checks failed and why, or the beginning of an answer that names none; bounded and safe to show."""
    if not answer.failed:
        return quote(body.strip())
    shown = [f"{name}: {reason}" if reason else name for name, reason in answer.failed.items()][:_MAX_SHOWN]
    more = len(answer.failed) - len(shown)
    return quote("; ".join(shown)) + (f" and {more} more" if more else "")
