"""The benchmark of restores: playbooks/restore.yml against myloader alone, in pairs (docs/benchmarks.md)."""
