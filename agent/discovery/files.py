"""A source of checks: files that something else than people writes, in the form of a configuration."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from stat import S_ISREG
from time import time
from typing import ClassVar, NamedTuple

from agent.probes._files import Version, version_of
from agent.settings.checks import CheckSettings
from agent.settings.discovery import TargetFiles
from agent.settings.document import MAX_BYTES
from agent.settings.problems import ConfigurationError
from agent.settings.snapshot import Snapshot, Source
from agent.settings.targets import Targets, read_targets

_MOST_FILES = 1000


class _File(NamedTuple):
    """A file as it was read last.

    version: what tells whether it has changed since; None where it could not be read. targets: what it held when it was
    good last. problems: what is wrong with it now.
    """

    version: Version | None
    targets: Targets
    problems: tuple[str, ...]


_NEW = _File(None, Targets(), ())


@dataclass
class FileSource:
    """Looks at the files again and again, and reads those that have changed.

    A file that turns bad goes on with what it held when it was good; one that is gone takes its checks with it.
    """

    name: ClassVar[str] = "files"

    settings: TargetFiles
    _files: dict[Path, _File] = field(default_factory=dict, init=False, compare=False)
    _at: float = field(default=0.0, init=False, compare=False)

    def goes_on_from(self, other: Source) -> bool:
        if not isinstance(other, FileSource) or other.settings.path != self.settings.path:
            return False
        self._files, self._at = other._files, other._at
        return True

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        while True:
            yield await asyncio.to_thread(self._look)
            await asyncio.sleep(self.settings.every)

    def _look(self) -> Snapshot:
        problems = self._read_all()
        if not problems:
            self._at = time()
        files = self._files.values()
        return Snapshot(
            self.name,
            checks=tuple(_each_on_its_own_file(file.targets.checks for file in files)),
            deployments=tuple(deployment for file in files for deployment in file.targets.deployments),
            problems=tuple(problems),
            at=self._at,
        )

    def _read_all(self) -> list[str]:
        """Brings what is known of the files up to date. Returns what is wrong."""
        pattern = Path(self.settings.path)
        try:
            found = sorted(path for path in pattern.parent.iterdir() if _fits(path.name, pattern.name))
        except OSError as error:
            return [f"{pattern.parent} cannot be listed: {error.strerror}"]
        self._files = {path: _read(path, self._files.get(path, _NEW)) for path in found[:_MOST_FILES]}
        problems = [problem for file in self._files.values() for problem in file.problems]
        if len(found) > _MOST_FILES:
            problems.append(f"{pattern} fits {len(found)} files; only the first {_MOST_FILES} are read")
        return problems


def _each_on_its_own_file(files: Iterable[tuple[CheckSettings, ...]]) -> Iterator[CheckSettings]:
    """The checks of all files. Where two have the same name the first one stays, and what is in the file of the other
    does not depend on it."""
    known: set[str] = set()
    for checks in files:
        lost = known.intersection(check.name for check in checks)
        for check in checks:
            depends_on = tuple(name for name in check.depends_on if name not in lost)
            yield check.model_copy(update={"depends_on": depends_on}) if depends_on != check.depends_on else check
        known.update(check.name for check in checks)


def _fits(name: str, pattern: str) -> bool:
    """As in a shell, a wildcard does not stand for the dot of a hidden file."""
    return fnmatchcase(name, pattern) and (name[0] != "." or pattern[0] == ".") and name.isprintable()


def _read(path: Path, before: _File) -> _File:
    goes_on = () if before.targets == Targets() else (f"{path}: what it held when it was good last goes on",)
    try:
        status = path.stat()
        version = version_of(status)
        if version == before.version:
            return before
        if not S_ISREG(status.st_mode):  # which may keep its reader waiting
            return before._replace(version=version, problems=(f"{path} is no regular file", *goes_on))
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        return _File(version, read_targets(content, str(path)), ())
    except OSError as error:
        return before._replace(version=None, problems=(f"{path} cannot be read: {error.strerror}", *goes_on))
    except ConfigurationError as error:
        return before._replace(version=version, problems=(*(str(problem) for problem in error.problems), *goes_on))
