"""What is struck: the commands, tiny data for them, and a folder in which all of it happens.

Every command works in a folder of its own for each case, on a copy of what it is given.
"""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from minireid.recipes.text import to_toml
from tests import small_data

PROJECT = Path(__file__).resolve().parents[2]
RECIPE = ("training.epochs=8", "validation.persons=2", "network.filters=[2, 2, 2]")


@dataclass(frozen=True)
class Part:
    """A command that is struck. WORLD in its words: the folder of the data.

    again: another command that must go on as well, after a strike. given: what its folder holds before. once: every
    file is written once, so what stands under a final name is what stands there at the end. whole: OUT appears whole.
    share: of all the kills.
    """

    words: tuple[str, ...]
    share: int
    again: tuple[str, ...] | None = None
    given: str = ""
    workers: bool = False
    once: bool = False
    whole: bool = False


def minireid(*words: str) -> tuple[str, ...]:
    return ("minireid", *words)


WALKERS = ("data_tools.walkers", "out", "--people", "4", "--frames", "3", "4", "--workers", "2")
PREPARE = ("data_tools.prepare", "walkers", "WORLD/raw/walk", "out", "--size", "96x48", "--workers", "2")
TRAIN = minireid("train", "WORLD/prepared", "--recipe", "WORLD/small.toml", "--out", "out", "--threads", "1")
RESUME = minireid("train", "--resume", "out", "--threads", "1")
SWEEP = ("sweep", "WORLD/prepared", "--recipe", "WORLD/small.toml", "--splits", "2", "--workers", "2", "--out", "out")

PARTS = {
    "walkers": Part(WALKERS, 50, workers=True, once=True, whole=True),
    "prepare": Part(PREPARE, 50, once=True, whole=True),
    "train": Part(TRAIN, 60, again=RESUME),
    "resume": Part(RESUME, 45, given="stopped"),
    "evaluate": Part(minireid("evaluate", "out", "--threads", "1"), 35, given="trained", once=True),
    "metric": Part(minireid("metric", "out", "--threads", "1"), 30, given="trained", once=True),
    "sweep": Part(minireid(*SWEEP), 30, workers=True),
}


@dataclass
class World:
    """A folder with the data of all commands, and room for every case."""

    path: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def words(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """A command's words, with the folder of the data put in."""
        return tuple(word.replace("WORLD", str(self.path)) for word in words)

    @property
    def temporary(self) -> Path:
        return self.path / "t"

    def private(self) -> Path:
        """A new folder for what one process says."""
        path = self.path / "said" / str(next(self.numbers))
        path.mkdir(parents=True)
        return path

    def new(self, name: str, given: str) -> Path:
        """A new folder for a case, with what its command is given."""
        self.forget(name)
        folder = self.folder(name)
        folder.mkdir(parents=True)
        self.give(folder, given)
        return folder

    def folder(self, name: str) -> Path:
        return self.path / "cases" / name.replace("/", "-")

    def forget(self, name: str) -> None:
        shutil.rmtree(self.folder(name), ignore_errors=True)

    def give(self, folder: Path, given: str) -> None:
        if given:
            shutil.copytree(self.path / given, folder, dirs_exist_ok=True)


def build(path: Path) -> World:
    """The data: a prepared folder and a recipe. What commands make (raw walkers, runs), expected.py adds."""
    world = World(path.resolve())
    world.temporary.mkdir(parents=True)
    small_data.write_prepared(world.path / "prepared")
    (world.path / "small.toml").write_text(to_toml(small_data.recipe(*RECIPE)), encoding="utf-8")
    return world
