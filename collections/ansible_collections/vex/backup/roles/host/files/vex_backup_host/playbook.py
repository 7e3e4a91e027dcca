# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbooks on the host itself, in a process that inherits nothing from the caller's environment."""

from __future__ import annotations

import os
import subprocess
import typing as t

from .places import Places

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Ended(t.NamedTuple):
    """The exit status of ansible-playbook and its output, which is empty when the caller's descriptor got it."""

    status: int
    output: str


def play(
    places: Places,
    name: str,
    arguments: t.Sequence[str] = (),
    output: t.Optional[int] = None,
) -> Ended:
    """Run a playbook for this host's server to its end.

    :param arguments: further arguments of ansible-playbook; never a secret
    :param output: descriptor that gets the output; ``None`` to return it
    """
    argv = [
        places.python,
        "-m",
        "ansible",
        "playbook",
        places.shipped(f"{name}.yml"),
        "--inventory",
        places.configuration,
    ]
    for variable in ("ansible_connection=local", f"ansible_python_interpreter={places.python}"):
        argv += ["--extra-vars", variable]
    done = subprocess.run(
        [*argv, *arguments],
        env=environment(places),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if output is None else output,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Ended(done.returncode, done.stdout or "")


def environment(places: Places) -> dict[str, str]:
    """Return the environment of Ansible and its modules, which is the same from cron and from a terminal."""
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return {
        **proxies,
        "PATH": PATH,
        "HOME": places.home,
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": places.shipped("ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": os.path.join(places.release, "collections"),
    }
