# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The signatures of manifests."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import (
    SIGNATURE,
    check_key,
    check_signature,
    signed,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestForged, OptionError

KEY = "k" * 16
MANIFEST = {"name": "backup_20260101_030000", "databases": [{"name": "ação", "tables": ["a\u2028b"]}], "status": 1}


def changed(manifest: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    return {**manifest, "status": 2}


def test_a_signature_is_valid_however_the_json_is_written() -> None:
    manifest = signed(MANIFEST, KEY)
    assert {name: value for name, value in manifest.items() if name != SIGNATURE} == MANIFEST
    # Computed with: python3 … json.dumps | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkk
    assert manifest[SIGNATURE] == "518e5571517e9fe18cf6122196c1c8fab0f460f683cfbbed7a5bb3718efa8dca"
    again = json.loads(json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True))
    check_signature(again, "here", [KEY])
    check_signature(again, "here", ["another key, the newest", KEY])
    check_signature(changed(again), "here", [])
    assert signed(manifest, KEY) == manifest
    assert signed(manifest, None) == MANIFEST


@pytest.mark.parametrize(
    "given", [changed(signed(MANIFEST, KEY)), {**MANIFEST, SIGNATURE: 7}, signed(MANIFEST, KEY * 2)]
)
def test_a_changed_manifest_is_refused(given: t.Dict[str, t.Any]) -> None:
    message = (
        "here does not have a valid signature of the manifest key: it was changed after it was signed, or signed with "
        "another key; if that is a former key of yours, add it to the former keys"
    )
    with pytest.raises(ManifestForged, match=f"^{message}$"):
        check_signature(given, "here", [KEY])


def test_an_unsigned_manifest_is_refused() -> None:
    message = (
        "here is not signed, and a manifest key is set: it was made before the key was set, or by somebody else; to "
        "use it anyway, unset the key for this one call"
    )
    with pytest.raises(ManifestForged, match=f"^{message}$"):
        check_signature(MANIFEST, "here", [KEY])


def test_a_short_key_is_refused() -> None:
    check_key(None)
    check_key(KEY)
    with pytest.raises(OptionError, match="can be guessed"):
        check_key(KEY[1:])
