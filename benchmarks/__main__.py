"""`make bench`: all of them, one after the other."""

import sys

from benchmarks import fleet, footprint, probe_cost

sys.exit(max(probe_cost.main(), footprint.main(), fleet.main()))
