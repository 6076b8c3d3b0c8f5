"""The names of alerts that several panels belong to."""

from alerts import pack
from alerts.down import DOWN
from alerts.rule import Severity

DOWN_ALERTS = tuple(DOWN.split("|"))
"""They say that a check is down."""

BURN_ALERTS = ("ReachdErrorBudgetBurn",)
PAGES = tuple(dict.fromkeys(alert.name for alert in pack.alerts() if alert.severity is Severity.CRITICAL))
"""They wake somebody."""
