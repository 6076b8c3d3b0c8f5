"""What an answer means for the platform at hand, as its catalogue says."""

from functools import lru_cache

from agent.core.check import Check
from agent.core.outcome import Outcome
from agent.profiles import row_of


def meaning_here(check: Check, outcome: Outcome) -> str:
    """What this answer means for this connection; empty where the catalogue has no more to say than its reason."""
    row = _row_of(check.system, check.name)
    return row.says(outcome) if row is not None else ""


_row_of = lru_cache(maxsize=4096)(row_of)
"""The search goes through a whole catalogue; a page shows hundreds of checks."""
