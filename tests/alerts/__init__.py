"""Tests of the alert rules and of Alertmanager's configuration."""
