"""Real servers for one program, on free ports and each in its own directory.

They listen on 127.0.0.1; those that containers reach, on another address of this machine.

Tests and the demo use the same ones. Each has ``start`` and ``stop`` and is a context manager.
"""
