# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The written option file, read by MySQL's programs and by this collection."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile
import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, read_client_section
from ansible_collections.vex.backup.plugins.module_utils._mysql.option_file import option_file_text
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOOK, choose, statement

LOGIN = Login("db.example", 3307, None, "vex", "secret", None)
# Ansible passes bytes that are not UTF-8 as surrogates.
passwords = st.text(
    st.one_of(
        st.characters(blacklist_characters="\n\r\0", blacklist_categories=["Cs"]),
        st.sampled_from("\\\"'#;=[]!% \tnrs\udcff\u2028\x85\xa0\v\f"),
    ),
    max_size=40,
)
needs_mysql = pytest.mark.skipif(not shutil.which("my_print_defaults"), reason="my_print_defaults is not installed")


def written(text: str, folder: str) -> str:
    path = os.path.join(folder, "client.cnf")
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
    return path


def read_by_mysql(path: str, group: str) -> t.List[str]:
    command = ["my_print_defaults", f"--defaults-file={path}", group]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return os.fsdecode(output).split("\n")[:-1]


@needs_mysql
@settings(max_examples=60)
@given(passwords)
@example('"')
@example("\\")
@example("end\\")
@example("'quoted'")
@example('"quoted"')
@example(" # no comment ")
@example("")
def test_any_password_is_read_back(password: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(option_file_text(dataclasses.replace(LOGIN, password=password), {}), folder)
        assert read_by_mysql(path, "client") == [
            "--user=vex",
            f"--password={password}",
            "--host=db.example",
            "--port=3307",
            "--protocol=tcp",
        ]
        assert read_client_section(path)["password"] == password


raw_values = st.text(st.sampled_from("\\\\\"\"''##abns =\t\v"), max_size=12)


@needs_mysql
@settings(max_examples=60)
@given(raw_values)
@example(r'"a\"b"')
@example(r'"a#b" # "c"')
@example(r"'a'b'")
@example('"unclosed')
@example(r"a\#b")
def test_file_of_a_user_is_read_as_mysql_does(value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(f"[client]\nuser=vex\npassword={value}\n", folder)
        theirs = "\n".join(read_by_mysql(path, "client")[1:])
        assert f"--password={read_client_section(path)['password']}" == theirs


def test_windows_file_is_read(tmp_path: pathlib.Path) -> None:
    path = written('[client]\r\nuser = vex\r\npassword = "a\x85b\u2028c"\r\n', str(tmp_path))
    assert read_client_section(path) == {"user": "vex", "password": "a\x85b\u2028c"}


def test_socket_replaces_the_address() -> None:
    login = dataclasses.replace(LOGIN, unix_socket="/run/my sql.sock", ca_cert="/ca.pem")
    assert option_file_text(login, {}) == ('[client]\nuser="vex"\npassword="secret"\nsocket="/run/my sql.sock"\n')


TLS = dataclasses.replace(LOGIN, ca_cert="/c a.pem", ssl_cert="/cert.pem", ssl_key="/key.pem")


def test_every_program_verifies_the_certificate() -> None:
    lines = option_file_text(TLS, {}).splitlines()
    assert lines[lines.index('protocol="tcp"') + 1 :] == [
        'ssl-ca="/c a.pem"',
        'loose-ssl-mode="VERIFY_IDENTITY"',
        'ssl-cert="/cert.pem"',
        'ssl-key="/key.pem"',
        "[client-mariadb]",
        "ssl-verify-server-cert=1",
        "[mydumper]",
        "ca=/c a.pem",
        "ssl-mode=VERIFY_IDENTITY",
    ]


def test_certificate_of_the_server_is_not_verified_without_authorities() -> None:
    assert option_file_text(LOGIN, {}).endswith('protocol="tcp"\n[client-mariadb]\nssl-verify-server-cert=0\n')


def test_path_with_a_line_break_is_refused() -> None:
    with pytest.raises(OptionError, match="line break"):
        option_file_text(dataclasses.replace(LOGIN, ca_cert="/a\nb"), {})


@needs_mysql
def test_sessions_begin_with_their_variables(tmp_path: pathlib.Path) -> None:
    variables = choose(LOOK, dict.fromkeys(LOOK, ""))
    text = option_file_text(LOGIN.only("0123456789abcdef"), variables)
    # MySQL's programs read no more of a line.
    assert max(map(len, text.splitlines())) < 4096
    read = read_by_mysql(written(text, str(tmp_path)), "client")
    assert f"--init-command={statement(variables, '0123456789abcdef')}" in read


@pytest.mark.parametrize("character", ["\n", "\r", "\0"])
def test_unusable_character_is_refused_without_showing_the_password(character: str) -> None:
    with pytest.raises(OptionError, match="the login's password contains a line break or a NUL") as caught:
        option_file_text(dataclasses.replace(LOGIN, password=f"hidden{character}x"), {})
    assert "hidden" not in str(caught.value)
