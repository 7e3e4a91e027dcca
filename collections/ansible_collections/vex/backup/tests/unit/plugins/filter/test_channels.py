# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the list of channels, as YAML and JSON give it."""

from __future__ import annotations

import json
import typing as t

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.filter.channels import FilterModule

channels = FilterModule().filters()["channels"]


def test_on_is_a_boolean_in_yaml() -> None:
    given = yaml.safe_load("[{webhook: 'https://example.org/', on: [error]}, {url: 'slack://a', 'on': [success]}]")
    expected = [{"webhook": "https://example.org/", "on": ["error"]}, {"url": "slack://a", "on": ["success"]}]
    assert channels(given) == expected
    # The configuration of a host is JSON.
    assert channels(json.loads(json.dumps(given))) == expected
    assert channels([]) == []


@pytest.mark.parametrize("given", ["slack://canary", ["slack://canary"], {"url": "slack://canary"}, None])
def test_other_shapes_are_refused_without_their_value(given: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="vex_backup_notifications must be a list") as error:
        channels(given)
    assert "canary" not in str(error.value)


def test_an_unknown_key_is_named_without_its_value() -> None:
    with pytest.raises(AnsibleFilterError, match="vex_backup_notifications has urls, and a channel has only") as error:
        channels([{"urls": "slack://canary"}])
    assert "canary" not in str(error.value)
