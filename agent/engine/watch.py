"""Notices that configuration files have changed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

_LOOK_EVERY = 2.0

Signature = tuple[tuple[str, int, int, int], ...]


async def changes(paths: Sequence[Path]) -> AsyncIterator[None]:
    """Yields whenever a file, or one in a directory, has changed, appeared or gone.

    Looked at every two seconds and by following links: notification of the kernel misses the swap of symlinks with
    which Kubernetes renews a ConfigMap, and does not exist on network file systems.
    """
    before = signature(paths)
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        now = signature(paths)
        if now != before:
            before = now
            yield


def signature(paths: Sequence[Path]) -> Signature:
    """Something that differs whenever a configuration file does."""
    files: list[Path] = []
    for path in paths:
        files += sorted(path.iterdir()) if path.is_dir() else [path]
    found = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        found.append((str(file), status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)
