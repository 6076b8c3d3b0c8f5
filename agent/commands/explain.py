"""`reachd explain`: what a reason means and what to try first; for a check, its last failure in full."""

import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from difflib import get_close_matches
from textwrap import fill
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import urlopen

from agent.commands.status import ExitStatus
from agent.commands.terminal import Terminal
from agent.core.explanations import explain
from agent.core.reasons import Reason

_WIDTH = 100
_TIMEOUT = 5.0
_MAX_ANSWER = 4 * 1024 * 1024
_BLAMES = {"target": "the target", "path": "the path to the target", "agent": "the agent itself"}


def execute(options: Namespace) -> ExitStatus:
    """Explains a reason from the catalogue, or a check by asking the running agent."""
    subject: str = options.subject
    terminal = Terminal()
    if subject in set(Reason):
        _write_reason(Reason(subject), terminal)
        return ExitStatus.FINE
    if "/" not in subject and "_" in subject:
        near = get_close_matches(subject, [reason.value for reason in Reason], n=1)
        hint = f"; did you mean {near[0]}?" if near else "; `reachd reasons` lists them"
        return _complain(f"{subject}: no such reason{hint}")
    deployment, _, check = subject.rpartition("/")
    return _explain_check(deployment or "default", check, options.agent, terminal)


def _write_reason(reason: Reason, terminal: Terminal) -> None:
    explanation = explain(reason)
    terminal.line(f"{terminal.bold(reason.value)}: {explanation.phrase}")
    terminal.line(f"To blame: {_BLAMES[reason.blame]}")
    terminal.line()
    terminal.line(fill(explanation.meaning, _WIDTH))
    terminal.line()
    terminal.line("Try first:")
    for step in explanation.try_first:
        terminal.line(fill(step, _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_long_words=False))


def _explain_check(deployment: str, check: str, agent: str, terminal: Terminal) -> ExitStatus:
    url = f"{agent.rstrip('/')}/api/v1/checks/{quote(deployment)}/{quote(check)}"
    if not url.startswith(("http://", "https://")):
        return _complain(f"{agent}: expected the agent's address as http://host:port")
    try:
        with urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - the scheme is checked above
            document = json.loads(answer.read(_MAX_ANSWER))
    except HTTPError as error:
        missing = f"{agent} has no check {deployment}/{check}; `{agent}/api/v1/checks` lists them"
        return _complain(missing if error.code == 404 else f"{url}: the agent answered {error.code}")
    except (URLError, OSError, ValueError) as error:
        return _complain(f"no agent answers at {agent} ({error}); start it, or name it with --agent")
    _write_check(document, terminal)
    return ExitStatus.FINE


def _write_check(document: Mapping[str, object], terminal: Terminal) -> None:
    terminal.line(json.dumps(document, indent=2, ensure_ascii=False))


def _complain(message: str) -> ExitStatus:
    sys.stderr.write(f"reachd explain: {message}\n")
    return ExitStatus.USAGE
