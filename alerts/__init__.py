"""Alert rules and Alertmanager's configuration: their source, and beside it what is generated from it."""
