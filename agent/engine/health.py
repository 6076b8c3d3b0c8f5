"""What the agent says of its own health. Nothing here depends on a target."""

from collections.abc import Mapping


class AgentHealth:
    """Liveness and readiness: conditions by name, each None when it is met. Implements `agent.core.ports.Health`."""

    def __init__(self) -> None:
        self._ready: dict[str, str | None] = {"configuration": "not loaded yet", "listener": "not up yet"}

    def fulfil(self, condition: str) -> None:
        """Notes that a condition of readiness is met."""
        self._ready[condition] = None

    def drain(self) -> None:
        """Notes that the agent is about to stop."""
        self._ready["running"] = "stopping"

    def live(self) -> Mapping[str, str | None]:
        # Whoever gets this answer has proof that the event loop turns.
        return {"event-loop": None}

    def ready(self) -> Mapping[str, str | None]:
        return self._ready
