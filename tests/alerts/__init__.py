"""The alert rules, tried on series as Prometheus would have them, by promtool."""
