# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The signature of a manifest: an HMAC-SHA256 of its canonical JSON."""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestForged, OptionError

SIGNATURE = "hmac_sha256"
# A shorter key can be guessed: a person with a manifest can try keys as fast as a computer allows.
SHORTEST_KEY = 16


def check_key(key: t.Optional[str]) -> None:
    """Raise an error for a *key* so short that it can be guessed from one manifest.

    :raises OptionError: when it has fewer than :data:`SHORTEST_KEY` characters
    """
    if key is not None and len(key) < SHORTEST_KEY:
        raise OptionError(
            f"a manifest key of fewer than {SHORTEST_KEY} characters can be guessed: make one with openssl rand -hex 32"
        )


def signed(manifest: t.Mapping[str, t.Any], key: t.Optional[str]) -> t.Dict[str, t.Any]:
    """Return a copy of *manifest* signed with *key*, in place of any other signature; unsigned without a key."""
    unsigned = _unsigned(manifest)
    return unsigned if key is None else {**unsigned, SIGNATURE: _signature(unsigned, key)}


def check_signature(manifest: t.Mapping[str, t.Any], where: str, keys: t.Sequence[str]) -> None:
    """Verify that *manifest* was signed with one of *keys*; without keys, accept every manifest.

    :param where: its path or address, for the errors
    :raises ManifestForged: when it was not
    """
    if not keys:
        return
    given = manifest.get(SIGNATURE)
    if given is None:
        raise ManifestForged(
            f"{where} is not signed, and a manifest key is set: it was made before the key was set, or by somebody "
            "else; to use it anyway, unset the key for this one call"
        )
    unsigned = _unsigned(manifest)
    # JSON can hold characters that cannot be encoded in UTF-8.
    claimed = str(given).encode("utf-8", "backslashreplace")
    if not any(hmac.compare_digest(claimed, _signature(unsigned, key).encode()) for key in keys):
        raise ManifestForged(
            f"{where} does not have a valid signature of the manifest key: it was changed after it was signed, or "
            "signed with another key; if that is a former key of yours, add it to the former keys"
        )


def _unsigned(manifest: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {name: value for name, value in manifest.items() if name != SIGNATURE}


def _signature(unsigned: t.Mapping[str, t.Any], key: str) -> str:
    # ASCII, no spaces, sorted keys: every JSON library produces the same bytes.
    canonical = json.dumps(unsigned, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return hmac.new(key.encode("utf-8"), canonical.encode("ascii"), hashlib.sha256).hexdigest()
