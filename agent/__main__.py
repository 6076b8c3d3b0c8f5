"""The command line: arguments in, exit status out."""

import errno
import logging
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from signal import SIG_IGN, SIGHUP, signal

from agent.commands.invocation import DEMO_LISTENS_ON
from agent.commands.streams import discard_output, open_closed_streams
from agent.commands.terminal import PLAIN_CHARACTERS
from agent.core.durations import parse_duration
from agent.core.version import VERSION

_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_EPILOG = """\
Exit status: 0 fine, 1 something is down, 2 usage, configuration or port in use, 3 the agent itself broke.
Start with `reachd demo`, or with `reachd check https://meshery.example.com/`.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit status."""
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=PLAIN_CHARACTERS)  # a terminal that cannot show a character is no failure
    options = _parser().parse_args(arguments)
    if options.command == "run":
        # A hangup may come before the agent is there to reload at one; its start reads what is on disk anyway.
        signal(SIGHUP, SIG_IGN)
    # A command is loaded when it is called, so that the daemon does not carry the demo and the demo's servers.
    try:
        status = int(import_module(f"agent.commands.{options.command}").execute(options))
        sys.stdout.flush()  # here, where a reader that has left is no error
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        discard_output()
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
            discard_output()
            sys.stderr.write(f"reachd {options.command}: cannot write: {os.strerror(error.errno)}\n")
            return 3
        # Into the agent's log where one is set up, else to standard error.
        logging.getLogger("agent").critical("the agent itself broke", exc_info=True)
        return 3


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="reachd",
        description="Watches whether every connection a platform depends on can really be made.",
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"reachd {VERSION}")
    add = parser.add_subparsers(metavar="COMMAND", dest="command", required=True).add_parser

    _add_config(add("run", help="the daemon: probes, metrics, status page"))

    check = add("check", help="check once, now: everything, some checks by name, or bare URLs")
    check.add_argument("names", nargs="*", metavar="NAME or URL", help="checks to run, or URLs to probe")
    check.add_argument(  # one file each time, so that names can follow it
        "--config",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a configuration file or directory; several, each after a --config of its own, are merged",
    )
    check.add_argument("--ca-file", type=Path, metavar="FILE", help="certificates to trust for URLs, PEM")
    check.add_argument(
        "--wait", type=_duration, default=0.0, metavar="5m", help="go on until all are up, this long at most"
    )
    check.add_argument("--strict", action="store_true", help="a check without a verdict is a failure")
    check.add_argument("--output", choices=("table", "json", "junit"), default="table")

    explain = add("explain", help="what a failure reason means, or a check's last failure in full")
    explain.add_argument("subject", metavar="REASON or CHECK", help="such as connect_refused, or prod/broker-client")
    explain.add_argument(
        "--agent", default="http://127.0.0.1:9886", metavar="URL", help="the running agent to ask about a check"
    )
    explain.add_argument("--user", metavar="NAME", help="the user of its web.basic_auth")
    explain.add_argument("--password-file", type=Path, metavar="FILE", help="a file with the password of that user")
    explain.add_argument("--ca-file", type=Path, metavar="FILE", help="certificates to trust it by, PEM")

    validate = add("validate", help="all problems of configuration files at once; touches no network")
    validate.add_argument("config", nargs="+", type=Path, metavar="FILE")

    init = add("init", help="a first configuration, from what is found in a cluster")
    init.add_argument("--kubeconfig", type=Path, metavar="FILE", help="default: kubectl's, or the pod's own account")
    init.add_argument("--context", metavar="NAME", help="the kubeconfig's context; default: its current one")
    init.add_argument("--namespace", metavar="NS", help="the only namespace to look into; default: all")
    init.add_argument("--output", type=Path, metavar="FILE", help="a new file to write; default: standard output")

    targets = add("targets", help="what will be reached, from where, on which port, and why")
    _add_config(targets)
    targets.add_argument("--output", choices=("table", "json", "networkpolicy"), default="table")

    add("probes", help="the probe kinds and their keys")
    add("reasons", help="the failure reasons, and who is to blame")
    add("metrics", help="the metrics, from the code")

    demo = add("demo", help="a simulated Meshery on loopback, watched by the real agent")
    demo.add_argument("action", nargs="?", choices=("start", "faults", "break", "repair"), default="start")
    demo.add_argument("fault", nargs="?", help="the fault to switch on (break) or off (repair); `faults` lists them")
    demo.add_argument("--listen", default=DEMO_LISTENS_ON, metavar="HOST:PORT", help="where the agent listens")
    return parser


def _add_config(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        nargs="+",
        action="extend",
        type=Path,
        required=True,
        metavar="FILE",
        help="configuration files or directories; several are merged",
    )


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
