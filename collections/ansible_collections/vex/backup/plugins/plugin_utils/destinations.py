# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The destinations of a server's backups, from either form of the variables: a list of them, or one bucket."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.plugin_utils.presets import Options, with_preset

#: The name of the destination that the variables of one bucket make.
SHORT_FORM = "s3"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
# The option that names the bucket, container or directory, by type.
PLACES = {"s3": "bucket", "gcs": "bucket", "azure": "container", "directory": "path"}
KEEP = ("keep_last", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly")


class Destinations(t.NamedTuple):
    """The destinations, none when there is a problem; ``problems`` are sentences.

    Each destination has ``name``, ``type``, ``place`` (its bucket, container or directory), ``prefix`` (of its keys),
    ``keep`` (the ``keep_*`` options of retention), ``has_retention``, and ``options``, the option ``destination`` of
    modules.
    """

    stores: t.List[t.Dict[str, t.Any]]
    problems: t.List[str]


def read_destinations(given: t.Any, short_form: Options, retention: Options) -> Destinations:
    """Read the destinations.

    :param given: the value of ``vex_backup_destinations``: a list, which may be of any shape
    :param short_form: the ``bucket``, which is empty without one, its ``prefix`` and the options of its type
    :param retention: the ``keep_*`` options of destinations that have none of their own
    """
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, t.Mapping) for one in given):
        return Destinations([], ["vex_backup_destinations is not a list of destinations, each with a name and a type"])
    if not given:
        found = [{"name": SHORT_FORM, "type": "s3", **short_form}] if short_form.get("bucket") else []
        return Destinations([_store(one, retention) for one in found], [])
    completed = [with_preset(one, _named(one, number)) for number, one in enumerate(given, 1)]
    problems = [
        sentence
        for number, (one, wrong) in enumerate(completed, 1)
        for sentence in [*wrong, *_problems(one, _named(one, number))]
    ]
    if short_form.get("bucket"):
        problems.append(
            "vex_backup_destinations and vex_backup_s3_bucket are both set: make the bucket one of "
            f"vex_backup_destinations, named {SHORT_FORM} so that its records stay with it, and remove vex_backup_s3_*"
        )
    names = [str(one.get("name")) for one in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"vex_backup_destinations has {name} twice: give each destination its own name" for name in twice]
    return (
        Destinations([], problems)
        if problems
        else Destinations([_store(one, retention) for one, _wrong in completed], [])
    )


def _named(one: Options, number: int) -> str:
    return f"vex_backup_destinations: {one.get('name') or f'number {number}'}"


def _problems(one: Options, here: str) -> t.Iterator[str]:
    name = str(one.get("name") or "")
    if not NAME.fullmatch(name):
        yield f"{here} needs a name of at most 64 of a-z, 0-9, - and _, which begins with a letter or digit"
    kind = one.get("type")
    if kind not in PLACES:
        yield f"{here} needs a type: {', '.join(PLACES)}"
    elif not one.get(PLACES[kind]):
        yield f"{here} needs a {PLACES[kind]}"
    wrong = [option for option in KEEP if not str(one.get(option, 0)).isdecimal()]
    if wrong:
        yield f"{here}: {', '.join(wrong)} is not a number"


def _store(one: Options, retention: Options) -> t.Dict[str, t.Any]:
    # A destination with a rule of its own has that alone.
    rules = one if any(option in one for option in KEEP) else retention
    keep = {option: int(rules.get(option, 0)) for option in KEEP}
    options = {
        option: value for option, value in one.items() if option not in {"prefix", *KEEP} and value not in ("", None)
    }
    prefix = one.get("prefix")
    # A name such as 2025 is a number in YAML.
    return {
        "name": str(one["name"]),
        "type": str(one["type"]),
        "place": str(one[PLACES[one["type"]]]),
        "prefix": "" if prefix is None else str(prefix),
        "keep": keep,
        "has_retention": any(keep.values()),
        "options": options,
    }
