"""Real servers, private to whoever starts them: on free ports of 127.0.0.1, under a directory of their own.

Tests and the demo use the same ones. Each has ``start`` and ``stop`` and is a context manager.
"""
