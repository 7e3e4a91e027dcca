"""What ends a benchmark early."""


class BenchFailed(Exception):
    """There is nothing to measure: a program failed, or left nothing where it should have."""
