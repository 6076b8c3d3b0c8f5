"""Writes docs/runbooks/reasons.md: `python -m agent.core.reasons_reference > docs/runbooks/reasons.md`."""

import sys
from collections.abc import Iterator

from agent.core.explanations import explain
from agent.core.reasons import Blame, Reason

_HEAD = """\
# Failure reasons

<!-- Written by `make docs` from the code. Do not edit. -->

Where a run that did not succeed has a reason, it is one of these. `reachd explain REASON` prints the same text, and
`reachd explain CHECK` prints it with the words in capitals (HOST, PORT, NAMESPACE …) filled in where they are known.
What a reason means for a certain connection of Meshery is in [the Meshery profile](../meshery.md).

Who is to blame says where to look first:
"""

_BLAME = {
    Blame.TARGET: "what is probed",
    Blame.PATH: "what lies between: names, firewalls, proxies, ingress",
    Blame.AGENT: "reachd itself; the check is *unknown*, not *down*, and nothing is said of the target",
}


def page() -> str:
    """The page in Markdown: a heading for each reason, which is its name."""
    return "\n".join([_HEAD, *_blame(), *(line for reason in Reason for line in _section(reason))])


def _blame() -> Iterator[str]:
    for blame, words in _BLAME.items():
        reasons = ", ".join([f"[{reason}](#{reason})" for reason in Reason if reason.blame is blame])
        yield f"- **the {blame}**, {words}: {reasons}"
    yield ""


def _section(reason: Reason) -> Iterator[str]:
    explanation = explain(reason)
    yield f"## {reason}\n"
    yield f"In short: {explanation.phrase}. To blame: the {reason.blame}.\n"
    yield f"{explanation.meaning}\n"
    yield "Try first:\n"
    yield from [f"- {step}" for step in explanation.try_first]
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
