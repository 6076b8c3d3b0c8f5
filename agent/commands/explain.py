"""`reachd explain`: what a reason means and what to try first; for a check, its last failure in full."""

from argparse import Namespace
from difflib import get_close_matches
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from ssl import SSLCertVerificationError
from textwrap import fill
from time import time
from urllib.error import HTTPError, URLError
from urllib.parse import quote

from agent.commands.check_report import WIDTH, write_report, write_steps
from agent.commands.running_agent import RunningAgent
from agent.commands.status import ExitStatus, complain
from agent.commands.terminal import Terminal
from agent.commands.words import words_of
from agent.core.explanations import explain
from agent.core.reasons import Reason
from agent.core.words import BLAMED
from agent.probes._json import children, text_of
from agent.probes._text import printable

_complain = partial(complain, "explain")
_MOST_NAMED = 5


def execute(options: Namespace) -> ExitStatus:
    """Explains a reason from the catalogue, or a check by asking the running agent."""
    subject: str = options.subject
    terminal = Terminal()
    folded = subject.lower().replace("-", "_")
    if folded in set(Reason):
        _write_reason(Reason(folded), terminal)
        return ExitStatus.FINE
    near = get_close_matches(folded, [reason.value for reason in Reason], n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    if "/" not in subject and "_" in subject:
        return _complain(f"{subject}: no such reason{hint or '; `reachd reasons` lists them'}")
    try:
        agent = RunningAgent(options.agent, options.user, options.password_file, options.ca_file)
    except ValueError as error:
        return _complain(str(error))
    return _explain_check(subject, agent, terminal, hint)


def _write_reason(reason: Reason, terminal: Terminal) -> None:
    explanation = explain(reason)
    terminal.line(f"{terminal.bold(reason.value)}: {explanation.phrase}")
    terminal.line(f"To blame: {BLAMED[reason.blame]}")
    terminal.line()
    terminal.line(fill(explanation.meaning, WIDTH))
    terminal.line()
    write_steps(explanation.try_first, terminal)


def _explain_check(name: str, agent: RunningAgent, terminal: Terminal, hint: str) -> ExitStatus:
    """Asks the agent about a check. hint: which reason may have been meant, where no agent knows the check."""
    try:
        key = name if "/" in name else _key_of(name, agent)
        document = agent.ask(f"/api/v1/checks/{quote(key)}")
    except LookupError as error:
        return _complain(f"{error}{hint}")
    except HTTPError as error:
        return _complain(_refusal(error.code, name, agent))
    except (OSError, ValueError, HTTPException) as error:
        words = printable(words_of(error))
        if isinstance(error, URLError) and isinstance(error.reason, SSLCertVerificationError):
            return _complain(f"{agent.url} is not trusted ({words}); name its authority's certificate with --ca-file")
        return _complain(f"no agent answers at {agent.url} ({words}); start it, or name it with --agent{hint}")
    try:
        write_report(document, terminal, time())
    except ValueError as error:
        return _complain(f"{agent.url} gives a wrong answer: {error}; is it an agent?")
    return ExitStatus.FINE


def _refusal(code: int, name: str, agent: RunningAgent) -> str:
    if code == HTTPStatus.NOT_FOUND:
        return f"{agent.url} has no check {name}; {agent.url}/api/v1/checks lists them"
    if code == HTTPStatus.UNAUTHORIZED:
        remedy = "it knows no such user or password" if agent.authenticates else "give --user and --password-file"
        return f"{agent.url} answered 401; {remedy}"
    return f"{agent.url} answered {code}"


def _key_of(name: str, agent: RunningAgent) -> str:
    """The key of the only check of that name. Raises LookupError, with a remedy, when there is none, or another."""
    checks = children(agent.ask(f"/api/v1/checks?search={quote(name)}"), "checks")
    keys = [f"{text_of(check, 'deployment')}/{text_of(check, 'check')}" for check in checks]
    exact = [key for key in keys if key.partition("/")[2] == name]
    if len(exact) == 1:
        return exact[0]
    shown = ", ".join(printable(key) for key in (exact or keys)[:_MOST_NAMED])
    if exact:
        raise LookupError(f"several deployments have a check {name}; name one of {shown}")
    hint = f"did you mean {shown}?" if keys else f"{agent.url}/api/v1/checks lists them"
    raise LookupError(f"{name}: no such reason, and {agent.url} has no such check; {hint}")
