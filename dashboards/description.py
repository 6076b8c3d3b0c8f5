"""What the reader of a panel is told: what it shows, what is healthy, what to do otherwise, and which alert tells."""

from dataclasses import dataclass

from alerts.rule import Links

NO_ALERT = "none; this is for looking into what others tell"


@dataclass(frozen=True, slots=True)
class About:
    """The description of a panel. `alerts`: the names of those that tell of the same."""

    shows: str
    healthy: str
    next_step: str
    alerts: tuple[str, ...] = ()

    def text(self) -> str:
        """As Markdown, with the runbook of each alert."""
        base = Links().runbooks
        named = ", ".join(f"[{name}]({base}/{name}.md)" for name in self.alerts)
        return "\n\n".join(
            [
                self.shows,
                f"**Healthy:** {self.healthy}",
                f"**Otherwise:** {self.next_step}",
                f"**Alert:** {named or NO_ALERT}.",
            ]
        )
