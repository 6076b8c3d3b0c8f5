"""What of a configuration waits for a restart of the agent."""

from agent.settings.model import Configuration

_KEYS = ("listen", "web", "environment", "state_file", "kubernetes", "otlp", "log")
"""Top-level keys that are read once, when the agent starts."""


def in_force(loaded: Configuration, running: Configuration) -> Configuration:
    """What a reload can put to use of a configuration: all but the keys that stay as they are in the running one."""
    return loaded.taking(_KEYS, running)


def waiting(loaded: Configuration, running: Configuration) -> tuple[str, ...]:
    """The keys that a restart would change."""
    return tuple(key for key in _KEYS if getattr(loaded, key) != getattr(running, key))
