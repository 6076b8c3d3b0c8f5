"""Tests of the dashboards: of their files, of their queries, and of what a real Prometheus answers to them."""
