"""Commands as people call them: arguments in, exit status and output out."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from agent.__main__ import main


class Result(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


async def call(capfd: pytest.CaptureFixture[str], *arguments: object) -> Result:
    """Calls a command in this process, in a thread beside the event loop of the servers that it talks to."""
    status = await asyncio.to_thread(main, [str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return Result(status, out, err)


def reachd(
    *arguments: object, environment: Mapping[str, str] | None = None, without: Sequence[str] = ()
) -> "subprocess.Popen[bytes]":
    """Starts a command in a process of its own, its output in pipes."""
    kept = {name: value for name, value in os.environ.items() if name not in without}
    return subprocess.Popen(
        [sys.executable, "-m", "agent", *[str(argument) for argument in arguments]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**kept, **(environment or {})},
    )


def kubeconfig(folder: Path, server: str) -> Path:
    """A kubeconfig with one context of two that leads to `server`."""
    file = folder / "kubeconfig"
    contexts = [{"name": name, "context": {"cluster": name}} for name in ("east", "west")]
    clusters = [{"name": name, "cluster": {"server": f"http://{server}"}} for name in ("east", "west")]
    file.write_text(yaml.safe_dump({"clusters": clusters, "contexts": contexts, "current-context": "east"}))
    return file
