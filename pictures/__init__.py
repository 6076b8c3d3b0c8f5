"""Pictures of the dashboards: a recording of real agents, and Grafana's own components that draw it in a browser."""
