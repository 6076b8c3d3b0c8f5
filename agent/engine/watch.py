"""Notices that configuration files have changed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from agent.probes._files import Version, version_of

_LOOK_EVERY = 2.0

Signature = tuple[tuple[str, Version], ...]


async def changes(paths: Sequence[Path], known: Callable[[], Signature]) -> AsyncIterator[None]:
    """Yields whenever a file, or one in a directory, has changed, appeared or gone since it had the signature `known`.

    Looked at every two seconds and by following links: notification of the kernel misses the swap of symlinks with
    which Kubernetes renews a ConfigMap, and does not exist on network file systems. What two looks do not find the
    same is still being written, and not told.
    """
    before = known()
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        found = await asyncio.to_thread(signature, paths)
        if found == before != known():
            yield
        before = found


def signature(paths: Sequence[Path]) -> Signature:
    """Something that differs whenever a configuration file does."""
    found = []
    for path in paths:
        for file in _files(path):
            with suppress(OSError):
                found.append((str(file), version_of(file.stat())))
    return tuple(found)


def _files(path: Path) -> list[Path]:
    """The file itself, or what is in the directory; nothing where that cannot be looked at now."""
    try:
        return sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError:
        return []
