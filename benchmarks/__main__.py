"""`make bench`: all of them, one after the other."""

import sys

from benchmarks import deadline, fleet, footprint, probe_cost

sys.exit(max(probe_cost.main(), footprint.main(), deadline.main(), fleet.main()))
