"""Runs with faults that the tests cause: every failure is reported, and no incomplete data has a final name."""
