"""Thin: parse, query, render."""
