"""The README tells the truth about what can be checked here: files, line counts, commands, recipes, picture sizes."""

import re
from pathlib import Path

import pytest

from minireid import cli, recipe

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_reading_map_names_real_files_with_their_line_counts():
    rows = re.findall(r"\| \[`([^`]+)`\]\(([^)]+)\) \| (\d+) \|", README)
    assert len(rows) > 20
    for name, link, lines in rows:
        assert name == link
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) == int(lines), name


def test_every_page_of_layers_losses_kernels_and_networks_is_on_the_map():
    listed = set(re.findall(r"\| \[`([^`]+)`\]", README))
    for folder in ("layers", "losses", "kernels", "networks"):
        for page in (ROOT / "minireid" / folder).glob("*.py"):
            if page.name != "__init__.py":
                assert f"minireid/{folder}/{page.name}" in listed


def test_every_link_leads_somewhere():
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_commands_and_recipes_exist(capsys):
    for command in set(re.findall(r"minireid (demo|train|evaluate|embed|search|trace|gradcheck|zoo|paper)\b", README)):
        with pytest.raises(SystemExit) as stopped:
            cli.main([command, "--help"])
        assert stopped.value.code == 0
    capsys.readouterr()
    for name in set(re.findall(r"--recipe ([a-z_]+)", README)):
        assert name in recipe.names()


def test_pictures_are_small():
    for picture in [*ROOT.glob("tutorials/**/*.png"), *ROOT.glob("tutorials/**/*.jpg")]:
        assert picture.stat().st_size <= 300_000, picture
