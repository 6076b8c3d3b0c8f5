"""Error budgets: the factors of the alerts on how fast they are spent, as thresholds."""

from alerts.budget import FAST, SLOW
from dashboards.colours import BAD, GOOD, WARN, Steps

CALLS = " or ".join(f"{pace.factor:g} over {pace.long}" for pace in FAST)
"""How fast is so fast that somebody is called."""

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
BURN_STEPS: Steps = {None: GOOD, min(pace.factor for pace in SLOW): WARN, min(pace.factor for pace in FAST): BAD}
LEFT_STEPS: Steps = {None: BAD, 0: GOOD}
