"""A file of the current folder in the place of a module that is needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def started(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["json", "numpy", "random", "signal", "argparse"])
def test_it_is_told_and_not_run(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("open('it_was_run', 'w')\n")
    found = started(sys.executable, "-m", "minireid", "gradcheck", "linear", cwd=tmp_path)
    assert found.returncode == 2 and found.stdout == "" and found.stderr.count("\n") == 1, found.stderr
    assert f"the file {tmp_path / name}.py hides a module" in found.stderr and "rename it" in found.stderr
    assert not (tmp_path / "it_was_run").exists()


def test_the_data_tools_tell_it_too(tmp_path: Path) -> None:
    (tmp_path / "glob.py").touch()
    (tmp_path / "hashlib.py").touch()
    found = started(sys.executable, "-m", "data_tools.verify", "prid2011", ".", cwd=tmp_path)
    assert found.returncode == 2 and found.stderr.count("\n") == 1 and "hides a module" in found.stderr


def test_what_nobody_imports_disturbs_nobody(tmp_path: Path) -> None:
    for name in ("this", "gru", "antigravity"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)\n")
    assert started(sys.executable, "-m", "minireid", "zoo", cwd=tmp_path).returncode == 0


def test_the_console_script_does_not_look_there(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit(9)\n")
    script = tmp_path / "bin" / "minireid"
    script.parent.mkdir()
    script.write_text("import sys\nfrom minireid.cli import main\nsys.exit(main())\n")
    assert started(sys.executable, str(script), "recipe", cwd=tmp_path).returncode == 0
