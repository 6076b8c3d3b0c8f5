"""`reachd demo`: a simulated Meshery to watch and to break."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import uvloop

from agent.app import serve
from agent.commands.invocation import DEMO_LISTENS_ON, invocation
from agent.commands.status import ExitStatus, complain
from agent.commands.terminal import Terminal
from agent.commands.words import words_of
from agent.core.reasons import Reason
from agent.demo.faults import FAULTS
from agent.demo.introduction import introduction
from agent.demo.run import run_demo
from agent.demo.simulation import Simulation
from agent.settings.problems import ConfigurationError
from agent.web.server import ListenError

_complain = partial(complain, "demo")
_TIMEOUT = 15.0
"""Seconds for a fault to be switched; a real Broker takes a moment to start."""
_ANY_ADDRESS = ("0.0.0.0", "[::]")  # noqa: S104 - to be recognised, not to listen on


def execute(options: Namespace) -> ExitStatus:
    """Starts the demo, lists its faults, or switches one of the demo that runs already."""
    fault: str | None = options.fault
    if options.action in ("start", "faults"):
        if fault is not None:
            meant = f"{invocation()} demo break {fault}{_listening(options.listen)}"
            return _complain(f"{options.action} takes no fault; did you mean `{meant}`?")
        return _start(options.listen) if options.action == "start" else _list_faults()
    names = [known.name for known in FAULTS]
    if fault not in names:
        near = get_close_matches(fault or "", names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"`{invocation()} demo faults` lists them"
        return _complain(f"{fault}: no such fault; {hint}" if fault else f"name a fault; {hint}")
    return _switch(options.listen, fault, on=options.action == "break")


def _start(listen: str) -> ExitStatus:
    terminal = Terminal()

    def introduce(url: str, simulation: Simulation) -> None:
        for line in introduction(url, simulation, invocation(), _listening(url.removeprefix("http://"))):
            terminal.line(line)

    try:
        uvloop.run(run_demo(listen, serve, introduce))
    except ListenError as error:
        return _complain(f"{error}; choose another with --listen 127.0.0.1:PORT")
    except ConfigurationError as error:
        return _complain(f"--listen {listen}: {error.problems[0].message}")
    except BrokenPipeError:
        raise  # whoever reads what the demo prints has gone, which is nothing to complain about
    except OSError as error:
        return _complain(f"the simulation cannot start: {words_of(error)}")
    return ExitStatus.FINE


def _listening(listen: str) -> str:
    """What to add to a command about a demo on `listen`; mostly nothing."""
    return "" if listen == DEMO_LISTENS_ON else f" --listen {listen}"


def _list_faults() -> ExitStatus:
    rows = [(fault.name, fault.title, _reasons(fault.expected.values())) for fault in FAULTS]
    Terminal().table(("FAULT", "WHAT BREAKS", "WHAT REACHD SAYS"), rows)
    return ExitStatus.FINE


def _reasons(reasons: Iterable[Reason]) -> str:
    return ", ".join(dict.fromkeys(reason.value for reason in reasons))


def _switch(listen: str, fault: str, *, on: bool) -> ExitStatus:
    host, _, port = listen.rpartition(":")
    url = f"http://{'127.0.0.1' if host in _ANY_ADDRESS else host}:{port}/api/v1/demo/{fault}"
    body = json.dumps({"on": on}).encode()
    request = Request(url, body, {"Content-Type": "application/json"}, method="POST")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT):
            pass
    except HTTPError as error:
        return _complain(f"{url} answers {error.code}; is that `reachd demo`?")
    except (URLError, OSError, ValueError) as error:
        start = f"{invocation()} demo{_listening(listen)}"
        return _complain(
            f"no demo answers at {listen} ({words_of(error)}); start it with `{start}`, or name it with --listen"
        )
    sys.stdout.write(f"{fault} is {'broken' if on else 'repaired'}\n")
    return ExitStatus.FINE
