"""The benchmark: our backup against the document's pipeline by hand, in pairs, in one run (docs/benchmarks.md)."""
