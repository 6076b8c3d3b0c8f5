"""Where checks and deployments are written in a configuration as it was read."""

from collections.abc import Iterator, Mapping

from agent.settings.problems import Path

Entry = tuple[Path, dict[str, object]]
"""A mapping, and the path that leads to it."""


def entries(top: Mapping[str, object], *sections: str) -> Iterator[Entry]:
    """The mappings in the list at a key, or at a key below a key."""
    found: object = top
    for section in sections:
        found = found.get(section) if isinstance(found, Mapping) else None
    for position, entry in enumerate(found if isinstance(found, list) else ()):
        if isinstance(entry, dict):
            yield (*sections, position), entry


def check_templates(top: Mapping[str, object]) -> Iterator[Entry]:
    """The checks that discovery fills in for each answer of the DNS."""
    for path, entry in entries(top, "discovery", "dns"):
        if isinstance(check := entry.get("check"), dict):
            yield (*path, "check"), check
