"""Unpacks Debian's packages into a folder: nothing is installed, no service starts, root is not needed.

apt works on package lists and a cache of our own and only reads what the system has: its sources, its keys and the list
of installed packages. A simulated installation names every package that this machine lacks, shared libraries included.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.servers.commands import CommandError, run

SYSTEM_PARTS = Path("/etc/apt/apt.conf.d")

CONFIGURATION = """\
Dir::State "{work}/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::State::extended_states "{work}/state/extended_states";
Dir::Cache "{work}/cache";
Dir::Etc::Parts "{work}/parts";
"""

LAST_PART = """\
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
"""
"""Read after the system's own parts: its hooks would clear the system's cache, and we need package lists only."""


class Unpacker:
    """Debian packages unpacked under `root`, which then looks like a small file system."""

    def __init__(self, root: Path, work: Path) -> None:
        self.root = root
        self._work = work
        self._environment = {"APT_CONFIG": str(work / "apt.conf"), "LC_ALL": "C"}

    @staticmethod
    def available() -> bool:
        """Whether this machine has the programs that are needed."""
        return shutil.which("apt-get") is not None and shutil.which("dpkg") is not None

    def update(self, seconds: float) -> None:
        """Reads the package lists of the system's sources into our own folder."""
        shutil.rmtree(self._work / "parts", ignore_errors=True)
        for folder in ("state/lists/partial", "cache/archives/partial", "parts"):
            (self._work / folder).mkdir(parents=True, exist_ok=True)
        for part in SYSTEM_PARTS.glob("*"):
            (self._work / "parts" / part.name).symlink_to(part)
        (self._work / "parts" / "zz-last").write_text(LAST_PART)
        (self._work / "apt.conf").write_text(CONFIGURATION.format(work=self._work))
        run(["apt-get", "-qq", "update"], seconds, environment=self._environment)

    def unpack(self, packages: Iterable[str], seconds: float) -> None:
        """Unpacks the packages and everything they need that the system lacks."""
        downloads = self._work / "downloads"
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir(parents=True)
        self.root.mkdir(parents=True, exist_ok=True)
        wanted = self._lacking(packages, seconds)
        run(["apt-get", "-qq", "download", *wanted], seconds, cwd=downloads, environment=self._environment)
        for archive in sorted(downloads.glob("*.deb")):
            run(["dpkg", "-x", archive, self.root], seconds)
        shutil.rmtree(downloads)

    def library_folders(self) -> list[Path]:
        """The folders under `root` that the loader has to look into."""
        places = ("lib/**/lib*.so*", "usr/lib/**/lib*.so*")
        return sorted({library.parent for place in places for library in self.root.glob(place)})

    def unresolved(self, binary: Path, seconds: float) -> list[str]:
        """Names of shared libraries that the loader cannot find for `binary`, with the unpacked ones in its view."""
        search = ":".join(map(str, self.library_folders()))
        try:
            listing = run(["ldd", binary], seconds, environment={"LD_LIBRARY_PATH": search})
        except CommandError as failure:
            if "not a dynamic executable" in str(failure):
                return []
            raise
        return [line.split()[0] for line in listing.splitlines() if "not found" in line]

    def _lacking(self, packages: Iterable[str], seconds: float) -> list[str]:
        """`name=version` of the packages, and of their dependencies that are not installed."""
        simulate = ["apt-get", "--simulate", "--no-install-recommends", "--reinstall", "install", *packages]
        listing = run(simulate, seconds, environment=self._environment)
        lines = [line.split() for line in listing.splitlines() if line.startswith("Inst ")]
        # "Inst NAME [INSTALLED] (VERSION ARCHIVE ...)": the word in parentheses is the version that would come
        return [f"{words[1]}={next(word[1:] for word in words if word.startswith('('))}" for words in lines]
