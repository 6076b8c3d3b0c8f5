"""Tests of the probes, each against a real socket."""
