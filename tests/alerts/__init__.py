"""The alert rules, tried on series by promtool, and Alertmanager's configuration, tried on alerts."""
