"""Takers of outcomes: Prometheus, traces, status, log."""
