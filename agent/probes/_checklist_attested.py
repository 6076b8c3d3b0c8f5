"""Rules about what no API shows, and the configuration attests."""

from datetime import UTC, datetime

from agent.probes._checklist_rule import Objects, Wanted, unknowable, wrong
from agent.probes._text import quote

_NOTHING_ATTESTED = "Set it under attest in the deployment."


def recovery_drill(_: Objects, wanted: Wanted) -> str:
    """The last drill in which Meshery was redeployed from its configuration, its clusters reconnected and a user signed
    in is attested with its date, and is not too old."""
    held, most = wanted.recovery_drill, wanted.max_age_days
    if held is None:
        raise unknowable("no recovery drill is attested", _NOTHING_ATTESTED)
    days = (datetime.now(UTC).date() - held).days
    if days < -1:  # it may be tomorrow already where the drill was held
        raise wrong(f"the attested recovery drill of {held} lies in the future", "attest the last one that was held")
    if days > most:
        raise wrong(
            f"the last recovery drill was {days} days ago, on {held}; {most} are allowed", "hold one, and attest it"
        )
    return f"the last recovery drill was on {held}, {max(days, 0)} days ago"


def config_repository(_: Objects, wanted: Wanted) -> str:
    """The repository is attested in which Helm values, environment and connection definitions are under version
    control."""
    if not wanted.config_repository:
        raise unknowable("no repository of the configuration is attested", _NOTHING_ATTESTED)
    return f"the configuration is attested to be in {quote(wanted.config_repository)}"
