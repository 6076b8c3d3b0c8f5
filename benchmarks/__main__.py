"""`make bench`: those that have bars, one after the other; but `observer`, which takes a whole cluster."""

import sys

from benchmarks import deadline, fleet, footprint, probe_cost

sys.exit(max(probe_cost.main(), footprint.main(), deadline.main(), fleet.main()))
