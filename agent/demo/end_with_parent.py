"""`end_with_parent.py PARENT PROGRAM ARGUMENT...` becomes a program that gets SIGTERM when process PARENT is gone.

A process of its own sees to that, because a child of a program with several threads cannot safely run Python between
fork and exec. It must be started by the main thread of PARENT: Linux means the thread that forked.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, program: str, *arguments: str) -> None:
    """Does not return. Raises OSError where the program cannot be run."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was gone before it could be told
        sys.exit("who started this has ended")
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
