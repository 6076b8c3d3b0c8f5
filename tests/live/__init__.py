"""From a fault to a delivered notification, through the real agent, Prometheus and Alertmanager."""
