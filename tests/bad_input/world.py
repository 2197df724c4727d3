"""A small world in which every command works: prepared folders, runs, a sweep, raw datasets, a student's files.

`build` writes it into the current folder. Everything is tiny, so that a command takes a fraction of a second.
"""

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
from PIL import Image

from minireid.cli import main
from minireid.experiments import workers
from minireid.recipes.text import to_toml
from tests import small_data
from tests.practice.grading.cheats import RIGHT, START

TINY = ("network.filters=[2, 3, 4]", "training.epochs=2", "validation.persons=2")
MARS_TRAIN = [("0001", 1, 1, 2), ("0001", 6, 1, 2), ("0003", 2, 1, 2), ("0003", 5, 1, 2)]
MARS_TEST = [("00-1", 3, 7, 2), ("0002", 1, 1, 2), ("0002", 4, 1, 2), ("0004", 2, 1, 2), ("0004", 3, 1, 2)]


def build() -> None:
    """Write the world into the current folder."""
    here = Path()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        trained(here)
        raw_datasets(here)
        students(here)
        bystanders(here)


def trained(here: Path) -> None:
    """prepared (10 persons), run (finished), half (stopped after step 1 of 2), sweep (one row, one trial)."""
    prepared = small_data.write_prepared(here / "prepared")
    recipe = small_data.recipe(*TINY)
    (here / "base.toml").write_text(to_toml(recipe))
    (here / "own.toml").write_text('base = "base.toml"  # beside this file\n\n[training]\nseed = 3\n')
    (here / "rows.toml").write_text(
        'title = "Rows"\nset = ["training.epochs=1"]\n\n[[row]]\nname = "one"\nrecipe = "base.toml"\n'
        'set = ["losses.margin=1.0"]\npaper = { walkers = [50.0, 60.0, 70.0, 80.0] }\n'
    )
    persons = {"train": ["person_0001", 2, 3, 4, 5], "test": ["person_0006", 7, 8]}
    (here / "splits.json").write_text(json.dumps([persons]))
    small_data.trained(here / "run", prepared, *TINY)
    small_data.train(small_data.new_run(here / "half", prepared, *TINY), stop_after=1)
    workers.cores = lambda: 1  # type: ignore[assignment]
    assert main(["sweep", "prepared", "--rows", "rows.toml", "--splits", "1", "--workers", "0", "--out", "sweep"]) == 0


def raw_datasets(here: Path) -> None:
    """raw (PRID-2011's layout, with twins in walkers.json), ilids, own, mars (if SciPy is there)."""
    rng = np.random.default_rng(7)
    for camera in "ab":
        for person in (1, 2, 3, 4):
            for t in (1, 2):
                draw(here / f"raw/multi_shot/cam_{camera}/person_{person:04d}/{t:04d}.png", rng)
    people = {str(person): {"group": (person + 1) // 2} for person in (1, 2, 3, 4)}
    (here / "raw/walkers.json").write_text(json.dumps({"format": "minireid-walkers", "version": 1, "people": people}))
    for camera in (1, 2):
        for person in (1, 2):
            for t in (7, 8):
                draw(
                    here / f"ilids/sequences/cam{camera}/person{person:03d}/cam{camera}_person{person:03d}_{t:05d}.png",
                    rng,
                )
    for person in ("ada", "bob"):
        for camera in ("door", "yard"):
            for t in (1, 2):
                draw(here / f"own/{person}/{camera}/1/{t}.jpg", rng)
    mars(here / "mars", rng)


def draw(path: Path, rng: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (16, 8, 3), dtype=np.uint8)).save(path)


def mars(folder: Path, rng: np.random.Generator) -> None:
    try:
        from scipy.io import savemat
    except ImportError:  # its cases are then left out
        return
    (folder / "info").mkdir(parents=True)
    for part, tracks in (("train", MARS_TRAIN), ("test", MARS_TEST)):
        names = [f"{who}C{camera}T{n:04d}F{t:03d}.jpg" for who, camera, n, count in tracks for t in range(1, count + 1)]
        for name in names:
            draw(folder / f"bbox_{part}" / name[:4] / name, rng)
        (folder / f"info/{part}_name.txt").write_text("\n".join(names) + "\n")
        last = np.cumsum([count for *_, count in tracks])
        first = last - [count for *_, count in tracks] + 1
        persons = [-1 if who == "00-1" else int(who) for who, *_ in tracks]
        rows = np.stack([first, last, persons, [camera for _, camera, *_ in tracks]], axis=1).astype(float)
        savemat(folder / f"info/tracks_{part}_info.mat", {f"track_{part}_info": rows})
    savemat(folder / "info/query_IDX.mat", {"query_IDX": np.array([[2, 4]], np.uint16)})


def students(here: Path) -> None:
    """linear.py, a right solution; class, with two students."""
    for file in (here / "linear.py", here / "class/ada/linear.py", here / "class/bob/linear.py"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(START + RIGHT)
    assert main(["exercise", "cell", "start", "cell.py", "--student", "ada"]) == 0


def bystanders(here: Path) -> None:
    """Things that --out must not hit: a file, a folder with a file, an empty folder, one that may not be written."""
    (here / "thesis.txt").write_text("years of work")
    (here / "full").mkdir()
    (here / "full/thesis.txt").write_text("years of work")
    (here / "empty").mkdir()
    (here / "locked").mkdir(mode=0o500)
    (here / "dangling").symlink_to("nowhere/at/all")
