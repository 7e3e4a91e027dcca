"""The benchmark: our backup against the same steps by hand, in pairs, in one run (docs/benchmarks.md)."""
