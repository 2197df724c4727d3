"""Wheel and sdist hold every file that they should, and no other."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.supply import tree

PACKAGES = ("minireid", "data_tools")
SDIST_ADDS = {"PKG-INFO", "setup.cfg"}  # and the folder minireid.egg-info


def wanted_in_wheel() -> set[str]:
    """Every file of the packages except READMEs, whose links lead to files that no wheel has."""
    return {name for name in tree.files() if name.split("/")[0] in PACKAGES and not name.endswith("README.md")}


def test_every_file_of_the_packages_is_code_or_named_as_data() -> None:
    """Without building: pyproject.toml's patterns hold every file that is no code, each pattern holds some."""
    project = tomllib.loads((tree.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    data = project["tool"]["setuptools"]["package-data"]
    patterns = {f"{package}/{pattern}" for package, patterns in data.items() for pattern in patterns}
    others = {name for name in wanted_in_wheel() if not name.endswith(".py")}
    assert {name for name in others if not any(fnmatch(name, pattern) for pattern in patterns)} == set()
    assert {pattern for pattern in patterns if not any(fnmatch(name, pattern) for name in others)} == set()


def test_every_folder_with_code_is_a_package() -> None:
    """A folder without __init__.py is left out of the wheel without a word."""
    folders = {Path(name).parent.as_posix() for name in wanted_in_wheel() if name.endswith(".py")}
    assert {folder for folder in folders if not (tree.PROJECT / folder / "__init__.py").is_file()} == set()


@pytest.mark.slow
def test_wheel_and_sdist_hold_what_the_tree_holds(tmp_path: Path) -> None:
    """Built from a copy of the files that git has: what lies about in the checkout cannot come along."""
    pytest.importorskip("build", reason="needs build: pip install -e '.[test]'")
    copy, out = tree.copy(tmp_path / "project"), tmp_path / "dist"
    subprocess.run([sys.executable, "-m", "build", "--outdir", out, copy], check=True, capture_output=True)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    assert {name for name in inside if ".dist-info/" not in name} == wanted_in_wheel()
    with tarfile.open(sdist) as archive:
        members = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert {name for name in members - SDIST_ADDS if not name.startswith("minireid.egg-info/")} == set(tree.files())
