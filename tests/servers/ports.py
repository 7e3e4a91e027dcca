"""Free TCP ports."""

from __future__ import annotations

import random
import socket

# Below the ports of Linux's outgoing connections, also with SeaweedFS's distance added.
FIRST, LAST = 12000, 22000
_given: set[int] = set()

LOOPBACK = "127.0.0.1"


def is_free(port: int, address: str = LOOPBACK) -> bool:
    """Return whether a server can listen on *port* of *address* now."""
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None, distance: int = 0, address: str = LOOPBACK) -> int:
    """Return a free port that this function has not returned before.

    :param preferred: returned if it is free
    :param distance: the port that many numbers above must be free too
    """
    candidates = [] if preferred is None else [preferred]
    candidates += random.SystemRandom().sample(range(FIRST, LAST), 200)
    for port in candidates:
        if port not in _given and is_free(port, address) and is_free(port + distance, address):
            _given.add(port)
            return port
    raise RuntimeError(f"no free TCP port was found between {FIRST} and {LAST} on {address}")
