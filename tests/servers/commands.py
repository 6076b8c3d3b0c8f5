"""Runs the tools that bring programs in, each within a time budget."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandError(Exception):
    """A command ended badly, overran its budget or could not be started; the text has its last words."""


def run(
    command: Sequence[str | Path],
    seconds: float,
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Gives what the command printed. A command over its budget is ended together with the processes it started."""
    words = [str(word) for word in command]
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandError(f"{words[0]}: {error.strerror}") from error
    with process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise CommandError(f"{' '.join(words[:3])} took over {seconds:.0f} s") from None
    if process.returncode != 0:
        last_words = " / ".join((errors or output).strip().splitlines()[-3:])
        raise CommandError(f"{' '.join(words[:3])} ended with status {process.returncode}: {last_words}")
    return output
