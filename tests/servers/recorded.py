"""Dumps that a real MyDumper 1.0.1 made of MySQL 9.7, kept beside the checkout, and a program that makes them again."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from tests.integration.odd_databases import Server

ROOT = Path(__file__).parents[2]
DUMPS = ROOT.parent / "shared/mydumper/dumps"
DATABASES = ("loja", "rh ação", "zeta", "vazio")
STAND_IN = Path(__file__).with_name("recorded_mydumper.py")


def fill(server: Server) -> tuple[str, ...]:
    """Create the databases that the dumps were made of, on a MySQL server; return their names."""
    server.execute("SET time_zone = '+00:00'", *_statements((DUMPS / "source.sql").read_text(encoding="utf-8")))
    return DATABASES


def drop(server: Server) -> None:
    """Drop the databases that :func:`fill` created."""
    server.execute("SET foreign_key_checks = 0", *(f"DROP DATABASE IF EXISTS `{name}`" for name in DATABASES))


def install(directory: Path, *folders: str) -> None:
    """Put a ``mydumper`` into *directory* that writes what was recorded in *folders* of the dumps."""
    program = directory / "mydumper"
    command = shlex.join([sys.executable, str(STAND_IN), *(str(DUMPS / name) for name in folders)])
    program.write_text(f'#!/bin/sh\nexec {command} -- "$@"\n', encoding="utf-8")
    program.chmod(0o700)


def _statements(script: str) -> list[str]:
    """Split a script for the client at its delimiters. No statement of this script holds one in a string."""
    found, delimiter = [""], ";"
    for line in script.splitlines():
        if line.startswith("DELIMITER "):
            delimiter = line.split()[1]
            continue
        parts = f"{line}\n".split(delimiter)
        found[-1] += parts[0]
        found += parts[1:]
    return [statement for statement in map(str.strip, found) if statement]
