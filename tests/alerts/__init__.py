"""The alert rules by promtool, and Alertmanager's configuration by amtool and Alertmanager."""
