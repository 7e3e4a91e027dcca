# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The signature of a manifest or a proof: an HMAC-SHA256 of its canonical JSON."""

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


def signed(content: t.Mapping[str, t.Any], key: t.Optional[str]) -> t.Dict[str, t.Any]:
    """Return a copy of *content* signed with *key*, in place of any other signature; unsigned without a key."""
    unsigned = _unsigned(content)
    return unsigned if key is None else {**unsigned, SIGNATURE: _signature(unsigned, key)}


def fault_of_signature(content: t.Mapping[str, t.Any], keys: t.Sequence[str]) -> t.Optional[str]:
    """Return what is wrong with a signature, or ``None`` when it was made with one of *keys*, or there are no keys."""
    if not keys:
        return None
    given = content.get(SIGNATURE)
    if given is None:
        return "is not signed, and a manifest key is set"
    unsigned = _unsigned(content)
    # JSON can hold characters that cannot be encoded in UTF-8.
    claimed = str(given).encode("utf-8", "backslashreplace")
    if any(hmac.compare_digest(claimed, _signature(unsigned, key).encode()) for key in keys):
        return None
    return "does not have a valid signature of the manifest key"


def check_signature(manifest: t.Mapping[str, t.Any], where: str, keys: t.Sequence[str]) -> None:
    """Verify that *manifest* was signed with one of *keys*; without keys, accept every manifest.

    :param where: its path or address, for the errors
    :raises ManifestForged: when it was not
    """
    fault = fault_of_signature(manifest, keys)
    if fault is None:
        return
    if SIGNATURE not in manifest:
        raise ManifestForged(
            f"{where} {fault}: it was made before the key was set, or by somebody else; to use it anyway, unset the "
            "key for this one call"
        )
    raise ManifestForged(
        f"{where} {fault}: it was changed after it was signed, or signed with another key; if that is a former key of "
        "yours, add it to the former keys"
    )


def _unsigned(content: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {name: value for name, value in content.items() if name != SIGNATURE}


def _signature(unsigned: t.Mapping[str, t.Any], key: str) -> str:
    # ASCII, no spaces, sorted keys: every JSON library produces the same bytes.
    canonical = json.dumps(unsigned, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return hmac.new(key.encode("utf-8"), canonical.encode("ascii"), hashlib.sha256).hexdigest()
