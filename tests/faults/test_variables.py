"""Variables of unusual types and values: the record of the run is closed whatever they are."""

from __future__ import annotations

from tests.faults.checks import assert_ended, assert_says
from tests.playbook import Installation


def test_a_prefix_that_is_a_number(host: Installation) -> None:
    """YAML reads a prefix such as 2025 as a number."""
    outcome = host.backup(s3_prefix=2025)
    assert outcome.status == 0, outcome.output
    assert (outcome.backup["status_backup"], outcome.upload["status_upload"]) == (1, 1)
    key = outcome.upload["caminho_arquivo"]
    assert key.startswith(f"2025/{host.hostname}/")
    assert host.store.client().head_object(Bucket=host.store.bucket, Key=key)["ContentLength"] > 0


def test_a_prefix_that_is_a_number_without_an_upload(host: Installation) -> None:
    outcome = host.backup(s3_prefix=2025, upload_enabled=False)
    assert outcome.status == 0, outcome.output
    assert outcome.backup["status_backup"] == 1


def test_an_empty_hostname_is_a_named_failure_of_the_run(host: Installation) -> None:
    outcome = host.backup(hostname="")
    assert outcome.status != 0
    assert_says(outcome.output, ["Set vex_backup_hostname to the name of the server"])
    (row,) = host.log_database.rows("SELECT * FROM backup_log WHERE hostname = ''")
    assert row["status_backup"] == 3
    assert_ended(row)
    assert_says(row["observacao"], ["Set vex_backup_hostname"])
    assert_says(str(outcome.mail.get_body(("plain",))), ["Set vex_backup_hostname"])
    assert (outcome.keys, [name for name in outcome.files if name.endswith(".zip")]) == ([], [])
