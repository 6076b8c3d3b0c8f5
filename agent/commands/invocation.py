"""How this program was called, for commands that are printed to be copied."""

import sys
from pathlib import Path
from shutil import which

DEMO_LISTENS_ON = "127.0.0.1:9886"
"""Where the demo listens unless it is told otherwise, so that commands about it need not say so."""
_NAME = "reachd"


def invocation() -> str:
    """`reachd` where PATH leads to this program, else what was typed: `.venv/bin/reachd`, `python -m agent`."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{sys.orig_argv[0]} -m {program.parent.name}"
    found = which(_NAME)
    if program.name != _NAME or (found and Path(found).samefile(program)):
        return _NAME
    return sys.argv[0]
