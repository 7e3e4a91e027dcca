# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manifests that only who has the key can have made: an HMAC-SHA256 over their canonical JSON."""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestForged, OptionError

SIGNATURE = "hmac_sha256"
# Shorter ones can be guessed: who has a manifest can try as many as a computer can.
SHORTEST_KEY = 16


def check_key(key: t.Optional[str]) -> None:
    """Make sure that *key*, if there is one, is no word that one manifest is enough to guess.

    :raises OptionError: when it is
    """
    if key is not None and len(key) < SHORTEST_KEY:
        raise OptionError(
            f"a manifest key of fewer than {SHORTEST_KEY} characters can be guessed: make one with openssl rand -hex 32"
        )


def signed(manifest: t.Mapping[str, t.Any], key: t.Optional[str]) -> t.Dict[str, t.Any]:
    """A copy of *manifest* that bears the signature of *key* in place of what it bore, or none without a key."""
    bare = _bare(manifest)
    return bare if key is None else {**bare, SIGNATURE: _signature(bare, key)}


def check_signature(manifest: t.Mapping[str, t.Any], where: str, keys: t.Sequence[str]) -> None:
    """Make sure that one of *keys* signed *manifest*; without keys there is nothing to make sure of.

    :param where: it lies, for the errors
    :raises ManifestForged: when none of them did
    """
    if not keys:
        return
    given = manifest.get(SIGNATURE)
    if given is None:
        raise ManifestForged(
            f"{where} is not signed, and a manifest key is set: it was made before there was one, or by somebody else; "
            "to use it all the same, unset the key for this one call"
        )
    bare = _bare(manifest)
    # JSON can hold what UTF-8 cannot.
    claimed = str(given).encode("utf-8", "backslashreplace")
    if not any(hmac.compare_digest(claimed, _signature(bare, key).encode()) for key in keys):
        raise ManifestForged(
            f"{where} does not bear the signature of the manifest key: it was changed after it was made, or made with "
            "another key; a former key goes into the former keys"
        )


def _bare(manifest: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {name: value for name, value in manifest.items() if name != SIGNATURE}


def _signature(bare: t.Mapping[str, t.Any], key: str) -> str:
    # ASCII, without spaces, keys in order: the same bytes from every JSON library.
    canonical = json.dumps(bare, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return hmac.new(key.encode("utf-8"), canonical.encode("ascii"), hashlib.sha256).hexdigest()
