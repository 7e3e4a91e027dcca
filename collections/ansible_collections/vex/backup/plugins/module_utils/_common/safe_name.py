# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names that come from outside (hosts, databases), made fit for paths and object keys."""

from __future__ import annotations

import string

_KEPT = frozenset((string.ascii_letters + string.digits + "._-").encode("ascii"))


def safe_name(text: str) -> str:
    """*text* with every byte of its UTF-8 form outside ``[A-Za-z0-9._-]`` percent-encoded.

    ``.`` and ``..`` are encoded too, since a path gives them a meaning of their own. Different texts
    give different names, and ``urllib.parse.unquote`` gives the text back.
    """
    if text in (".", ".."):
        return "%2E" * len(text)
    return "".join(chr(byte) if byte in _KEPT else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))
