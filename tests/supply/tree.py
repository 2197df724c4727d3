"""The project's own files, as git lists them: what the distributions are made of and compared with."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def files() -> list[str]:
    """Every file that is kept, or new and not ignored: "minireid/cli.py". Skips the test where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a git checkout: the list of files comes from git")
    return sorted(name for name in listed if (PROJECT / name).is_file())


def copy(to: Path) -> Path:
    """The same files in the folder `to`: nothing that an earlier build or run left beside them comes along."""
    for name in files():
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, target)
    return to
