"""The vocabulary of reachd: checks, outcomes, reasons, schedule and state changes. Standard library only, no I/O."""
