"""One module of the collection in a process of its own, for tests that send it signals or measure it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

RUN = """
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.load(sys.stdin)):
    importlib.import_module("ansible_collections.vex.backup.plugins.modules." + sys.argv[1]).main()
"""


class ModuleProcess:
    """A running module.

    :param name: of the module, without its collection
    :param options: its options; ``_ansible_check_mode`` is one of them
    :param prefix: a program and its arguments to run it by
    """

    def __init__(self, name: str, options: Mapping[str, Any], *, prefix: Sequence[str] = ()) -> None:
        self.output = ""
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}{RUN}", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(options))
        self.process.stdin.close()

    def result(self) -> dict[str, Any]:
        """Wait for the module's end; return its result."""
        with self.process:
            assert self.process.stdout is not None
            self.output = self.process.stdout.read()
        try:
            found: dict[str, Any] = json.loads(self.output.strip().splitlines()[-1])
        except (IndexError, ValueError):
            raise AssertionError(f"the module returned no result: {self.output}") from None
        assert (self.process.returncode != 0) == found.get("failed", False)
        return found
