"""Modules and roles on real servers."""
