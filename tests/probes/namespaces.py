"""Scripts that run in a network namespace of their own."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.conftest import REQUIRED


def in_namespace(prepare: str, script: str, *arguments: str) -> list[list[object]]:
    """What a Python script prints as JSON, run where only loopback is up, and `prepare` (a line of shell) was done."""
    prepared = f'ip link set lo up && {prepare} && exec "$@"'
    command = ["unshare", "--map-root-user", "--net", "sh", "-c", prepared, "sh"]
    tried = shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True, check=False)
    if not tried or tried.returncode:
        (pytest.fail if REQUIRED else pytest.skip)("needs ip, unshare, and leave to make network namespaces")
    run = [*command, sys.executable, "-c", script, *arguments]
    found = subprocess.run(run, capture_output=True, text=True, timeout=50, check=True)
    printed: list[list[object]] = json.loads(found.stdout)
    return printed
