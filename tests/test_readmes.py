"""The READMEs tell the truth about what can be checked here: links, pages, commands, recipes, sizes."""

import re
import subprocess
from pathlib import Path

import pytest

from minireid import cli
from minireid.experiments import rows
from minireid.recipes import recipe

ROOT = Path(__file__).parent.parent
PAGES = sorted(page for page in ROOT.rglob("*.md") if not {".venv", "demo", ".pytest_cache"} & set(page.parts))
MAP = (ROOT / "minireid" / "README.md").read_text(encoding="utf-8")
COMMANDS = [name for group in cli.COMMANDS.values() for name in group]


def test_every_room_has_its_page() -> None:
    for room in (".", "minireid", "minireid/gradcheck", "data_tools", "tutorials", "tests"):
        assert (ROOT / room / "README.md") in PAGES, room
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        name, _, heading = link.replace("\\", "").partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if heading:
            assert heading in headings(target), link


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_of_layers_losses_kernels_and_networks_is_on_the_map() -> None:
    listed = set(re.findall(r"\]\(([a-z_]+/[a-z_0-9]+\.py)\)", MAP))
    for folder in ("layers", "losses", "kernels", "networks"):
        pages = {f"{folder}/{page.name}" for page in (ROOT / "minireid" / folder).glob("[a-z]*.py")}
        assert pages <= listed, sorted(pages - listed)


def test_the_way_of_a_pixel_has_at_most_sixteen_files() -> None:
    way = MAP.partition("## The way of a pixel")[2].partition("\n## ")[0]
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", way, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)) and 10 <= len(numbers) <= 16


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_recipes_and_sweeps_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    shell += "\n".join(re.findall(r"`(minireid [^`]+)`", text))
    assert set(re.findall(r"\bminireid ([a-z]+)", shell)) <= set(COMMANDS)
    assert set(re.findall(r"--recipe ([a-z_]+)\b", text)) <= set(recipe.names())
    assert set(re.findall(r"--rows ([a-z_]+)\b", text)) <= set(rows.names())


def test_the_report_at_the_front_door_is_the_checkers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8").partition("what is wrong with my gradient\n")[2]
    number = re.search(r"zoo show (\d+) --out bug.py", page)
    report = re.search(r"^```\n\n```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert number and report
    cli.main(["zoo", "show", number[1], "--out", str(tmp_path / "bug.py")])
    capfd.readouterr()
    assert cli.main(["gradcheck", str(tmp_path / "bug.py"), "--like", "gru", "--time-limit", "100"]) == 1
    assert capfd.readouterr().out.startswith(report[1])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_constant_stands_in_the_file_that_is_named_with_it(page: Path) -> None:
    for constant, link in re.findall(r"\b([A-Z]{4,}) of\s\[[^]]+\]\(([^)]+\.py)\)", page.read_text(encoding="utf-8")):
        assert re.search(rf"^{constant}\b", (page.parent / link).read_text(encoding="utf-8"), re.MULTILINE), constant


def test_help_of_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as stopped:
            cli.main([command, "--help"])
        assert stopped.value.code == 0 and command in capsys.readouterr().out


def test_help_groups_the_commands_by_what_a_person_wants(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out
    places = [said.index(f"\n{heading}:\n") for heading in cli.COMMANDS]
    assert places == sorted(places)
    assert all(re.search(rf"^  {command} +[A-Z]", said, re.MULTILINE) for command in COMMANDS)


def test_pictures_are_small() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.png", "*.jpg"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    for picture in listed.stdout.split():
        assert (ROOT / picture).stat().st_size <= 300_000, picture
