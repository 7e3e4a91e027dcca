"""The benchmark of recovery: playbooks/restore.yml against myloader alone, in pairs (docs/benchmarks.md)."""
