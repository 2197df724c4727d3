"""A new virtual environment, and what is installed and run in it."""

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path


class Environment:
    """A virtual environment in `folder`. python: the interpreter that it is made with."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder = folder
        if python == sys.executable:
            venv.create(folder, with_pip=True)
        else:
            subprocess.run([python, "-m", "venv", str(folder)], check=True)
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")

    def install(self, *words: str | Path, constraints: Path | None = None) -> None:
        """pip install these words. CalledProcessError, after pip's own lines, where that fails."""
        limits = ["-c", str(constraints)] if constraints else []
        self.run("python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *limits, *map(str, words))

    def run(self, program: str, *words: str, cwd: Path | None = None) -> None:
        """Run a program of the environment, "python" or "minireid". CalledProcessError where it fails."""
        subprocess.run([str(self.scripts / program), *words], cwd=cwd, check=True, env=clean())

    def frozen(self, without: Sequence[str] = ()) -> list[str]:
        """name==version of all that is installed, except the packages of these names."""
        command = [str(self.scripts / "python"), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=clean())
        return [line for line in done.stdout.splitlines() if line.partition("==")[0].lower() not in without]


def clean() -> dict[str, str]:
    """The surroundings without what would lead to another project's or interpreter's files."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
