"""What the agent says of its own health. Nothing here depends on a target."""

from collections.abc import Mapping

from agent.core.ports import Note


class AgentHealth:
    """Liveness and readiness: conditions by name, each None when it is met. Implements `agent.core.ports.Health`."""

    def __init__(self) -> None:
        self._ready: dict[str, str | None] = {"configuration": "not loaded yet", "listener": "not up yet"}
        self._notes: dict[str, Note] = {}

    def fulfil(self, condition: str) -> None:
        """Notes that a condition of readiness is met."""
        self._ready[condition] = None

    def drain(self) -> None:
        """Notes that the agent is about to stop."""
        self._ready["running"] = "stopping"

    def note(self, name: str, text: str, at: float) -> None:
        """Notes something for people. Where it is noted already, it has been so since then, now in these words."""
        before = self._notes.get(name)
        self._notes[name] = Note(text, before.since if before is not None else at)

    def settle(self, name: str) -> None:
        """Notes that this is over, if it ever was."""
        self._notes.pop(name, None)

    def live(self) -> Mapping[str, str | None]:
        # Whoever gets this answer has proof that the event loop turns.
        return {"event-loop": None}

    def ready(self) -> Mapping[str, str | None]:
        return self._ready

    def notes(self) -> Mapping[str, Note]:
        return self._notes
