"""Tests of backups in the bucket: they are restored, proven, kept and removed."""
