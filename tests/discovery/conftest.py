"""Logging as it was before each test, since every agent sets it up anew."""

from tests.sinks.conftest import _logging_restored  # noqa: F401
