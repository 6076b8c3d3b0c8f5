"""The version of reachd."""

VERSION = "0.1.0"
