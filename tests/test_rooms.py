"""The rooms of minireid/README.md: which package may import which, and who may read command lines."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLOORS = (  # a room may import from its own floor and from those before it
    ("base",),
    ("data", "plots", "kernels"),
    ("layers", "losses"),
    ("networks",),
    ("recipes",),
    ("training", "metric"),
    ("evaluation",),
    ("experiments",),
    ("reading",),
    ("practice", "bench"),
    ("commands",),
)
ALONE = {  # rooms that may import less than their floor
    "data": {"base"},
    "plots": {"base"},
    "kernels": {"base"},
    "gradcheck": {"base", "plots"},
    "gradcheck/cases": {"base", "gradcheck", "kernels", "layers", "losses", "networks"},
    "data_tools": {"base", "data"},
}
LOOSE = ("__init__.py", "__main__.py", "cli.py")


def room_of(module: str) -> str:
    """minireid.gradcheck.cases.pages -> gradcheck/cases"""
    package, _, rest = module.partition(".")
    if package == "data_tools":
        return package
    return "gradcheck/cases" if rest.startswith("gradcheck.cases") else rest.partition(".")[0]


def imports(file: Path) -> Iterator[str]:
    """The project's modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name for name in names if name.partition(".")[0] in ("minireid", "data_tools"))


def files() -> Iterator[tuple[str, Path]]:
    """(room, file) of every file in a room."""
    for package in ("minireid", "data_tools"):
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            if len(parts) > 2 or package == "data_tools":
                yield room_of(".".join(parts)), file


def allowed(room: str) -> set[str]:
    if room in ALONE:
        return {room, *ALONE[room]}
    floor = next(n for n, rooms in enumerate(FLOORS) if room in rooms)
    below = {name for rooms in FLOORS[: floor + 1] for name in rooms}
    checker = {"gradcheck", "gradcheck/cases"}
    more = {"commands": {*checker, "data_tools"}, "practice": checker, "reading": checker}
    return below | more.get(room, set())


def test_rooms_import_downwards_only() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for room, file in files()
        for name in imports(file)
        if room_of(name) not in allowed(room) and name not in ("minireid.networks",)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_command_imports_another_and_only_they_read_arguments() -> None:
    shared = {"minireid.commands.options", "minireid.commands.parser", "minireid.commands.read_clip"}
    for _, file in files():
        text = file.read_text(encoding="utf-8")
        if file.parent.name == "commands":
            others = {name.rpartition(".")[0] for name in imports(file) if name.startswith("minireid.commands.")}
            own = {name for name in others if name.startswith(f"minireid.commands.{file.stem}_")}  # its long actions
            assert others - own <= shared, file
        elif file != ROOT / "minireid" / "base" / "arguments.py":  # the parser that all of them use
            assert "argparse" not in text, file


def test_the_roots_loose_modules() -> None:
    assert sorted(file.name for file in (ROOT / "minireid").glob("*.py")) == sorted(LOOSE)
    assert len((ROOT / "minireid" / "cli.py").read_text(encoding="utf-8").splitlines()) < 60
