"""Tests of the simulated deployment, and through it of every row of the Meshery profile."""
