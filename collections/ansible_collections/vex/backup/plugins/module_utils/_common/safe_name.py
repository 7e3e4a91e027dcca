# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of hosts and databases in paths and object keys."""

from __future__ import annotations

import hashlib
import string

_KEPT = frozenset((string.ascii_letters + string.digits + "._-").encode("ascii"))


def safe_name(text: str) -> str:
    """Percent-encode every byte of *text* in UTF-8 outside ``[A-Za-z0-9._-]``.

    ``.`` and ``..`` are encoded too, because they have a meaning in paths. Different texts have different names;
    ``urllib.parse.unquote`` returns the text.
    """
    if text in (".", ".."):
        return "%2E" * len(text)
    return "".join(chr(byte) if byte in _KEPT else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))


def short_name(text: str, longest: int) -> str:
    """Return the safe name of *text*, or its first *longest* characters and a digest if it is longer."""
    name = safe_name(text)
    if len(name) <= longest:
        return name
    return f"{name[:longest]}+{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
