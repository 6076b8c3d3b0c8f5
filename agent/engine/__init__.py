"""Runs the plan: supervisor, one loop per check, limits, fan-out to sinks, reload, self-observation."""
