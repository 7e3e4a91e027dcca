# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of well-known S3 stores, so that a destination names its store and little else.

A preset only fills options in. What a destination gives itself stays as it is.
"""

from __future__ import annotations

import re
import string
import typing as t

Options = t.Mapping[str, t.Any]


class Preset(t.NamedTuple):
    """The settings of one kind of store.

    ``endpoint_url`` is its address, in which ``{name}`` stands for another option of the destination; empty where each
    installation has its own. ``options`` are further ones.
    """

    endpoint_url: str
    options: t.Mapping[str, str]

    @property
    def fields(self) -> t.List[str]:
        """The options that the address is made of."""
        return [name for _text, name, _form, _conversion in string.Formatter().parse(self.endpoint_url) if name]


PATH = {"addressing_style": "path"}
PRESETS: t.Mapping[str, Preset] = {
    # https://docs.oracle.com/en-us/iaas/Content/Object/Tasks/s3compatibleapi.htm
    "oci": Preset("https://{namespace}.compat.objectstorage.{region}.oraclecloud.com", PATH),
    # https://www.backblaze.com/docs/cloud-storage-call-the-s3-compatible-api
    "b2": Preset("https://s3.{region}.backblazeb2.com", {}),
    # https://developers.cloudflare.com/r2/api/s3/api/
    "r2": Preset("https://{account}.r2.cloudflarestorage.com", {"region": "auto"}),
    # https://docs.wasabi.com/docs/what-are-the-service-urls-for-wasabi-s-different-storage-regions
    "wasabi": Preset("https://s3.{region}.wasabisys.com", {}),
    # https://cloud.google.com/storage/docs/interoperability
    "google": Preset("https://storage.googleapis.com", {"region": "auto"}),
    # Both know hosts of a bucket's name only when their administrator has set up a domain for them.
    "minio": Preset("", {"region": "us-east-1", **PATH}),
    "ceph": Preset("", {"region": "default", **PATH}),
}
# A part of a host's name: the options must not lead to another host.
LABEL = re.compile(r"[A-Za-z0-9-]+")


def with_preset(one: Options, here: str) -> t.Tuple[t.Dict[str, t.Any], t.List[str]]:
    """Return the options of a destination with those of its preset, and sentences on what is wrong.

    :param one: a destination, of which ``preset`` is one of :data:`PRESETS`, or absent
    :param here: its name in the sentences
    """
    name = one.get("preset")
    if name in ("", None):
        return dict(one), []
    if one.get("type") != "s3" or name not in PRESETS:
        return dict(one), [f"{here} has the preset {name}: with type s3, it is one of {', '.join(PRESETS)}"]
    preset = PRESETS[str(name)]
    given = {key: value for key, value in one.items() if key not in {"preset", "namespace", "account"}}
    given = {**preset.options, **{key: value for key, value in given.items() if value not in ("", None)}}
    if given.get("endpoint_url"):
        return given, []
    if not preset.endpoint_url:
        return given, [f"{here} needs an endpoint_url: each {name} has its own"]
    values = {field: str({**one, **given}.get(field) or "") for field in preset.fields}
    wrong = [field for field, value in values.items() if not LABEL.fullmatch(value)]
    problems = [f"{here} needs a {field} for the preset {name}, of letters, digits and -" for field in wrong]
    return {**given, "endpoint_url": preset.endpoint_url.format(**values)}, problems
