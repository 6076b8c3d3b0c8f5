"""The three standard streams, which a process may have been started without, and whose readers may leave."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def open_closed_streams() -> None:
    """Opens /dev/null where a standard stream is closed, before a socket takes its descriptor."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor, which is this one
            os.set_inheritable(descriptor, True)
            mode = "w" if descriptor else "r"
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for good


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Ends the block where nobody reads standard output any more; what comes after it decides the exit status."""
    try:
        yield
    except BrokenPipeError:
        discard_output()


def discard_output() -> None:
    """What is still buffered for standard output, and what is yet to be written, goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
