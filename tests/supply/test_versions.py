"""oldest.txt holds the lowest versions that pyproject.toml allows, so `python -m tests.supply oldest` tests those."""

import re
import tomllib

from tests.supply.__main__ import EXTRAS, OLDEST, TOOLS
from tests.supply.tree import PROJECT


def stated(lines: list[str]) -> dict[str, str]:
    """{package: version} of lines such as "numpy>=2.0" or "numpy==2.0"."""
    found = [re.fullmatch(r"([\w-]+)[>=]=([\d.*]+)", line) for line in lines]
    assert all(found), lines
    return {match[1]: match[2] for match in found if match}


def test_every_lowest_version_is_pinned() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = stated(project["dependencies"])
    extras = [stated(lines) for lines in project["optional-dependencies"].values()]
    for extra in extras:
        needed |= {package: extra[package] for package in (*EXTRAS, *TOOLS) if package in extra}
    lines = OLDEST.read_text(encoding="utf-8").splitlines()
    assert stated([line for line in lines if not line.startswith("#")]) == needed


def test_an_extra_says_the_same_everywhere() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, set[str]] = {}
    for lines in project["optional-dependencies"].values():
        for package, version in stated(lines).items():
            found.setdefault(package, set()).add(version)
    assert {package: versions for package, versions in found.items() if len(versions) > 1} == {}
