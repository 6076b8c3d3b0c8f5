"""Files that may change while the agent runs: secrets and certificates."""

import os
from pathlib import Path
from time import monotonic

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.core.secrets import remember
from agent.probes._text import has_control_characters

_LOOK_AGAIN_AFTER = 1.0
_MAX_SECRET_BYTES = 64 * 1024

Version = tuple[int, int, int]


def version_of(status: os.stat_result) -> Version:
    """Something that differs whenever a file has changed."""
    return status.st_ino, status.st_mtime_ns, status.st_size


class Files:
    """Contents and versions of files, looked at again at most once a second each.

    A mounted Secret changes by a swap of symlinks, so the version is that of the file the path leads to.
    """

    def __init__(self) -> None:
        self._versions: dict[Path, tuple[float, Version]] = {}
        self._texts: dict[Path, tuple[Version, str]] = {}

    def version(self, path: Path) -> Version:
        """That of the file. Raises OSError when there is none."""
        now = monotonic()
        known = self._versions.get(path)
        if known is not None and now - known[0] < _LOOK_AGAIN_AFTER:
            return known[1]
        version = version_of(path.stat())
        self._versions[path] = (now, version)
        return version

    def text(self, path: Path) -> str:
        """The text of a secret file without white space at its ends. Raises ProbeFailure when it cannot be read."""
        try:
            version = self.version(path)
            known = self._texts.get(path)
            if known is not None and known[0] == version:
                text = known[1]
            else:
                with path.open(encoding="utf-8", errors="replace") as file:
                    text = file.read(_MAX_SECRET_BYTES).strip()
        except OSError as error:
            raise ProbeFailure(Reason.PERMISSION_DENIED, f"cannot read the file {path}: {error.strerror}") from error
        self._texts[path] = (version, text)
        remember(text, str(path))
        return text

    def secret(self, path: Path) -> str:
        """Like `text`. Raises ProbeFailure for an empty file, too, as it may be while somebody writes it."""
        text = self.text(path)
        if not text:
            raise ProbeFailure(Reason.PERMISSION_DENIED, f"the file {path} is empty")
        return text

    def secret_for_header(self, path: Path) -> str:
        """Like `secret`. Raises ProbeFailure for a text of several lines, too, which would end the header."""
        text = self.secret(path)
        if has_control_characters(text):
            words = f"the secret in the file {path} cannot be sent: it holds a line break or another control character"
            raise ProbeFailure(Reason.PERMISSION_DENIED, words)
        return text
