"""All cases: what is harmed, which command then runs, and what it may answer.

`cases()` lists them from the world in the current folder, always in the same order. FORMATS has a line for every kind
of file that is read, OPTIONS one for every option.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.bad_input import harms, students
from tests.bad_input.harms import DIGITS, Harms

EMBED = "minireid embed run prepared --out e.npz"
SEARCH = "minireid search run prepared prepared --out s.png"
EVALUATE = "minireid evaluate run --out new"
METRIC = "minireid metric run --out new"
TRAIN = "minireid train prepared --recipe own.toml --splits splits.json --out new"
RESUME = "minireid train --resume half"
TRACE = "minireid trace prepared --recipe own.toml"
SHOW = "minireid recipe show own.toml"
TABLE = "minireid table sweep --out new"
SWEEP = "minireid sweep prepared --rows rows.toml --splits 1 --workers 0 --out"
GO_ON, ANEW = f"{SWEEP} sweep", f"{SWEEP} new"
ANEW_SPLITS = f"{SWEEP} new --splits-file splits.json"
GRADCHECK = "minireid gradcheck linear.py --like linear --time-limit 20"
EXERCISE = "minireid exercise check linear.py --seed 1"
CELL = "minireid exercise cell check cell.py --student ada"
GRADE = "minireid grade class --seed 1 --out new"
READ = "minireid read linear.py --like linear --no-open --out r.html --time-limit 20"
RAWS = {"prid2011": "raw", "walkers": "raw", "ilids_vid": "ilids", "own": "own", "mars": "mars"}


@dataclass(frozen=True)
class Case:
    """words: the command. may: "refuse", or "same" (or the result of the unharmed input), or "any" (or another result).

    finds: exit code 1 is an answer too, as it is a check that finds something.
    """

    part: str
    name: str
    words: tuple[str, ...]
    harm: Callable[[], None]
    may: str = "refuse"
    finds: bool = False

    def __str__(self) -> str:
        words = " ".join(f"{word[:60]}…" if len(word) > 61 else word for word in self.words)
        return f"{self.part}: {self.name}  [{words}]".encode(errors="backslashreplace").decode()


class Format(NamedTuple):
    """A file of the world, how it is harmed, which commands read it.

    known: what makes a change show. "digest": any change does; "schema": another type, a number out of range; "": the
    file is a user's, other values may be meant; "no": whatever it is, it gets a grade. every: one of so many harms is
    taken, drawn by the path.
    """

    path: str
    kinds: tuple[Callable[[Path], Harms], ...]
    commands: tuple[str, ...]
    known: str = "digest"
    every: int = 1


BYTES, PLACE = harms.in_bytes, harms.in_place_of
JSON, TOML = (BYTES, PLACE, harms.in_json), (BYTES, PLACE, harms.in_toml)
TRIAL = "sweep/one/split0_seed0"
FORMATS = (
    Format("prepared", (PLACE,), (EMBED, TRAIN, TRACE, ANEW)),
    Format("prepared/index.json", JSON, (EMBED, TRAIN, EMBED, TRACE, EVALUATE, GO_ON)),
    Format("prepared/index.json", (harms.in_old_index,), (EMBED, TRAIN, TRACE), "schema", every=3),
    Format("prepared/frames.npy", (BYTES, PLACE, harms.in_npy), (EMBED, TRAIN, EMBED, TRACE, EVALUATE, RESUME)),
    Format("prepared/.checked", (BYTES, PLACE), (EMBED, TRAIN)),
    Format("run", (PLACE,), (EMBED, EVALUATE, METRIC)),
    Format("run/run.json", JSON, (EMBED, EMBED, EMBED, EMBED, METRIC, EVALUATE)),
    Format("run/recipe.toml", TOML, (EMBED, EMBED, METRIC), every=8),
    Format("run/log.jsonl", (BYTES, PLACE, harms.in_lines), (EVALUATE,), "schema", every=6),
    Format("run/best.npz", (BYTES, PLACE), (EMBED, EMBED, EVALUATE)),
    Format("run/best.npz", (harms.in_npz,), (EMBED,), "schema"),
    Format("half", (PLACE,), (RESUME,)),
    Format("half/run.json", JSON, (RESUME,), every=3),
    Format("half/recipe.toml", (BYTES, PLACE), (RESUME,)),
    Format("half/log.jsonl", (BYTES, PLACE, harms.in_lines), (RESUME,), "schema", every=4),
    Format("half/checkpoint.npz", (BYTES, PLACE), (RESUME,)),
    Format("half/checkpoint.npz", (harms.in_npz,), (RESUME,), "schema"),
    Format("half/best.npz", (BYTES, PLACE), (RESUME,)),
    Format("sweep", (PLACE,), (TABLE, GO_ON)),
    Format("sweep/sweep.json", JSON, (TABLE, GO_ON), "schema", every=2),
    Format("sweep/one/recipe.toml", (BYTES, PLACE), (TABLE, GO_ON)),
    Format(f"{TRIAL}/results.json", JSON, (TABLE, TABLE, GO_ON), "schema", every=4),
    Format(f"{TRIAL}/trial.json", JSON, (TABLE,), "schema", every=2),
    Format("own.toml", TOML, (SHOW, TRAIN, TRACE, SHOW), known=""),
    Format("base.toml", TOML, (SHOW, TRAIN, SHOW, TRACE, SHOW), known="", every=3),
    Format("rows.toml", TOML, (ANEW,), known="", every=2),
    Format("splits.json", JSON, (TRAIN, ANEW_SPLITS), known=""),
    Format("raw/walkers.json", JSON, ("prepare walkers raw new --size 16x8 --no-flow",), known="", every=2),
    Format("linear.py", (BYTES, PLACE), (EXERCISE, GRADCHECK, READ), known=""),
    Format("cell.py", (PLACE,), (CELL,), known=""),
    Format("class", (PLACE,), (GRADE,), known=""),
    Format("class/ada/linear.py", (PLACE,), (GRADE,), known="no"),
)
FRAMES = {
    "prid2011": "raw/multi_shot/cam_a/person_0001/0001.png",
    "ilids_vid": "ilids/sequences/cam1/person001/cam1_person001_00007.png",
    "own": "own/ada/door/1/1.jpg",
    "mars": "mars/bbox_train/0001/0001C1T0001F001.jpg",
}


def cases() -> list[Case]:
    """Every case, in the order of its part."""
    found = [*of_formats(), *of_images(), *of_mars(), *of_layouts(), *of_options(), *students.cases()]
    return sorted(found, key=lambda case: case.part)


def of_formats() -> Iterator[Case]:
    for form in FORMATS:
        path = Path(form.path)
        made: Harms = {}
        for kind in form.kinds:
            made |= kind(path)
        names = random.Random(form.path).sample(sorted(made), len(made) // form.every)
        for number, name in enumerate(sorted(names)):
            harm, valid = made[name]
            command = form.commands[number % len(form.commands)]
            yield Case(
                form.path, name, words(command), lambda h=harm, p=path: h(p), may(form, name, valid), checks(command)
            )


# A sweep that is not there is begun, one that goes on writes its recipes anew, walkers who are no twins need no list.
MEANT = {("sweep", "missing"), ("sweep/one/recipe.toml", "cut at 99.9%"), ("raw/walkers.json", "missing")}


def may(form: Format, name: str, valid: bool) -> str:
    """What a harm of this file may end in. (A loss may be any number; the best score is -1 at first.)"""
    value = name.rpartition(" = ")[2]
    out_of_range = value in harms.NUMBERS - {"0"} and "facts.loss" not in name
    out_of_range &= not (value.startswith("-") and "facts.best" in name)
    if form.known == "no" or (form.path, name) in MEANT or (form.path.endswith("results.json") and value == "null"):
        return "any"
    return "any" if valid and (not form.known or (form.known == "schema" and not out_of_range)) else "same"


def of_images() -> Iterator[Case]:
    """One frame of every layout, for prepare and verify."""
    for dataset, frame in FRAMES.items():
        path = Path(frame)
        if not path.exists():
            continue
        made = harms.in_bytes(path, 3) | harms.in_place_of(path) | harms.in_images(path)
        for name, (harm, valid) in made.items():
            for command in (prepare(dataset), verify(dataset)):
                allowed = "any" if valid or name == "missing" else "same"  # nobody knows how many there were
                yield Case(
                    "images", f"{dataset}: {name}", command, lambda h=harm, p=path: h(p), allowed, checks(command[0])
                )


def of_mars() -> Iterator[Case]:
    folder = Path("mars/info")
    for path in sorted(folder.glob("*")):
        made = harms.in_bytes(path) | harms.in_place_of(path)
        made |= harms.in_mat(path) if path.suffix == ".mat" else harms.in_names(path)
        for number, (name, (harm, _)) in enumerate(made.items()):
            command = (prepare, verify)[number % 2]("mars")
            yield Case(
                "mars/info", f"{path.name}: {name}", command, lambda h=harm, p=path: h(p), "any", checks(command[0])
            )


def of_layouts() -> Iterator[Case]:
    """Every folder on the way to a frame, harmed."""
    for dataset, frame in FRAMES.items():
        if not Path(frame).exists():
            continue
        for folder in list(Path(frame).parents)[:-1]:
            for number, (name, (harm, _)) in enumerate(harms.in_place_of(folder).items()):
                command = (prepare, verify)[number % 2](dataset)
                yield Case(
                    "layouts", f"{folder}: {name}", command, lambda h=harm, p=folder: h(p), "any", checks(command[0])
                )


def prepare(dataset: str) -> tuple[str, ...]:
    return ("prepare", dataset, RAWS[dataset], "new", "--size", "16x8", "--no-flow", "--workers", "1")


def verify(dataset: str) -> tuple[str, ...]:
    return ("verify", dataset, RAWS[dataset])


def words(command: str) -> tuple[str, ...]:
    return tuple(command.split())


def checks(command: str) -> bool:
    """Whether exit code 1 is an answer of this command: something was checked and found wrong."""
    return any(name in command for name in ("verify", "gradcheck", "exercise check", "cell check", "paper"))


# Options. Each kind: the values that must be refused, and those that may be fine.

NO_NUMBER = ("", "x", "nan", "1.5x", "\0", "ö漢", "1\n2", "x" * 300, DIGITS, "-", "0x", "\udcff")
NOWHERE = (
    "nowhere",
    "thesis.txt/below",
    "x" * 300,
    "a\0b",
    "dangling",
    "link",
    "pipe",
    "/dev/zero",
    "/dev/null/x",
    "\udcff",
)
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "count": ((*NO_NUMBER, "-1", "0", "inf", "-9" * 20), ("1" + "0" * 30,)),
    "from 0": ((*NO_NUMBER, "-1", "inf", "-9" * 20), ("0", "1" + "0" * 30)),
    "seconds": ((*NO_NUMBER[:8], "-1", "-inf", "0"), ("inf", "1e308", "1e-9")),
    "size": (
        (*NO_NUMBER, "16x", "x8", "0x0", "-1x8", "16x8x3", "1e3x8", "9" * 30 + "x8", "999999x999999"),
        ("2x2", "4096x2"),
    ),
    "word": (("stranger", "x" * 300, "a\0b", "ö漢", "a\nb", "../../etc/passwd", "\udcff", "gru\0"), ("",)),
    "file in": ((*NOWHERE, "empty", ".", "locked/x"), ("thesis.txt", "")),
    "folder in": ((*NOWHERE, "thesis.txt", "locked/x"), ("empty", ".", "", "full")),
    "folder out": (
        (
            "thesis.txt",
            "thesis.txt/below",
            "locked/new",
            "x" * 300,
            "a\0b",
            "pipe",
            "/dev/null",
            "/dev/null/x",
            "/proc/x",
            "link",
        ),
        ("ö漢 new", "a\nb", "dangling", "deep/er/new", "empty", "full", "", ".", "\udcff"),
    ),
    "any text": ((), ("", "x" * 300, "a\0b", "ö漢", "a\nb", "../../etc", "\udcff", "<b>&'\"", DIGITS)),
}
OPTIONS = (
    *((f"{command} --threads @", "count") for command in (EMBED, SEARCH, EVALUATE, METRIC, TRAIN, RESUME, TRACE)),
    (f"{SEARCH} --top @", "count"),
    ("minireid train @ --recipe own.toml --out new", "folder in"),
    ("minireid train prepared --recipe @.toml --out new", "word"),
    ("minireid train prepared --recipe @ --out new", "word"),
    ("minireid train prepared --recipe own.toml --splits @ --out new", "file in"),
    ("minireid train prepared --recipe own.toml --split @ --out new", "from 0"),
    ("minireid train prepared --recipe own.toml --out @", "folder out"),
    ("minireid train prepared --recipe own.toml --set @ --out new", "word"),
    ("minireid train prepared --recipe own.toml --set training.epochs=@ --out new", "count"),
    ("minireid train --resume @", "folder in"),
    ("minireid evaluate @", "folder in"),
    ("minireid evaluate run --out @", "folder out"),
    ("minireid evaluate run --out new --set @", "word"),
    ("minireid evaluate run --out new --set evaluation.frames=@", "from 0"),
    ("minireid evaluate run --out new --set evaluation.crops=@", "count"),
    ("minireid embed @ prepared --out e.npz", "folder in"),
    ("minireid embed run @ --out e.npz", "folder in"),
    ("minireid embed run prepared --out @", "npz"),
    ("minireid search @ prepared prepared --out s.png", "folder in"),
    ("minireid search run @ prepared --out s.png", "folder in"),
    ("minireid search run prepared @ --out s.png", "folder in"),
    ("minireid search run prepared prepared --out @", "png"),
    ("minireid metric @", "folder in"),
    ("minireid metric run --out @", "folder out"),
    ("minireid table @", "folder in"),
    ("minireid table sweep --out @", "folder out"),
    ("minireid sweep @ --rows rows.toml --splits 1 --workers 0 --out new", "folder in"),
    ("minireid sweep prepared --rows @ --workers 0 --out new", "file in"),
    ("minireid sweep prepared --rows @ --workers 0 --out new", "word"),
    ("minireid sweep prepared --recipe @ --workers 0 --out new", "word"),
    ("minireid sweep prepared --rows rows.toml --splits @ --workers 0 --out new", "count"),
    ("minireid sweep prepared --rows rows.toml --seeds @ --splits 1 --workers 0 --out new", "count"),
    ("minireid sweep prepared --rows rows.toml --splits 1 --workers @ --out new", "no workers"),
    ("minireid sweep prepared --rows rows.toml --splits 1 --workers 0 --protocols @ --out new", "word"),
    ("minireid sweep prepared --rows rows.toml --splits 1 --scheduler @ --out new", "word"),
    ("minireid sweep prepared --rows rows.toml --splits 1 --workers 0 --splits-file @ --out new", "file in"),
    ("minireid sweep prepared --rows rows.toml --splits 1 --workers 0 --out @", "folder out"),
    ("minireid trace @ --recipe own.toml", "folder in"),
    ("minireid trace --recipe @", "word"),
    ("minireid trace --recipe own.toml --persons @", "count"),
    ("minireid trace --recipe own.toml --set @", "word"),
    ("minireid recipe show @", "word"),
    ("minireid recipe show @", "file in"),
    ("minireid recipe show own.toml --set training.seed=@", "from 0"),
    ("minireid recipe show own.toml --set @=1", "word"),
    ("minireid recipe @", "word"),
    ("minireid bench --quick --rounds @", "no count"),
    ("minireid demo --quick --threads @ --out new", "no count"),
    ("minireid demo --quick --seed @ --out new", "no number"),
    ("minireid demo --quick --out @", "taken"),
    ("minireid read @ --no-open --out r.html", "word"),
    ("minireid read @.py --like linear --no-open --out r.html", "word"),
    ("minireid read linear.py --like @ --no-open --out r.html", "word"),
    ("minireid read linear.py --like linear --no-open --out r.html --time-limit @", "seconds"),
    ("minireid read --bug @ --no-open --out r.html", "count"),
    ("minireid read tanh --no-open --out @", "html"),
    ("minireid read --all @ --no-open", "taken"),
    ("minireid zoo show @", "count"),
    ("minireid zoo hint @", "count"),
    ("minireid zoo solve @", "count"),
    ("minireid zoo @", "word"),
    ("minireid zoo show 17 --out @", "py"),
    ("minireid zoo exam --out @", "folder out"),
    ("minireid zoo exam --out new --seed @", "from 0"),
    ("minireid zoo exam --out new --bugs @", "no number"),
    ("minireid zoo exam --out new --papers @", "no number"),
    ("minireid paper @", "word"),
    ("minireid paper gru --seed @", "from 0"),
    ("minireid paper gru --ask @", "word"),
    ("minireid paper gru --answer=@", "no fraction"),
    ("minireid exercise start @", "word"),
    ("minireid exercise @", "word"),
    ("minireid exercise check @.py", "word"),
    ("minireid exercise check linear.py --exercise @", "word"),
    ("minireid exercise check linear.py --seed @", "from 0"),
    ("minireid exercise check linear.py --seed 1 --hints @", "no number"),
    ("minireid exercise pack @ --gradescope g.zip", "word"),
    ("minireid exercise pack linear --gradescope @", "zip"),
    ("minireid exercise cell --student @", "any text"),
    ("minireid exercise cell --student ada --course @", "any text"),
    ("minireid exercise cell --student ada --picture @", "svg"),
    ("minireid exercise cell start @ --student ada", "py"),
    ("minireid exercise cell check cell.py --student ada --seed @", "from 0"),
    ("minireid grade @ --seed 1", "folder in"),
    ("minireid grade class --seed @", "from 0"),
    ("minireid grade class --seed 1 --jobs @", "count"),
    ("minireid grade class --seed 1 --exercise @", "word"),
    ("minireid grade class --seed 1 --course @", "any text"),
    ("minireid grade class --seed 1 --out @", "folder out"),
    ("minireid gradcheck @", "word"),
    ("minireid gradcheck tanh --seed @", "from 0"),
    ("minireid gradcheck tanh --junit @", "xml"),
    ("minireid gradcheck linear.py --like @", "word"),
    ("minireid gradcheck linear.py --shapes @", "shapes"),
    ("minireid gradcheck linear.py --like linear --plot @", "png"),
    ("minireid gradcheck linear.py --like linear --time-limit @", "seconds"),
    ("minireid course pictures new --only @", "count"),
    ("minireid course site @", "taken"),
    ("minireid course pictures @ --only 1", "taken"),
    ("minireid @", "word"),
    ("minireid embed run prepared --out e.npz --@", "word"),
    ("prepare @ raw new", "word"),
    ("prepare prid2011 @ new", "folder in"),
    ("prepare own @ new", "nowhere"),
    ("prepare ilids_vid @ new", "folder in"),
    ("prepare mars @ new", "folder in"),
    ("prepare prid2011 raw @ --size 16x8", "folder out"),
    ("prepare prid2011 raw new --size @", "size"),
    ("prepare prid2011 raw new --size 16x8 --flow-scale @", "count"),
    ("prepare prid2011 raw new --size 16x8 --workers @", "count"),
    ("verify @ raw", "word"),
    ("verify prid2011 @", "folder in"),
    ("verify own @", "nowhere"),
    ("verify ilids_vid @", "folder in"),
    ("verify mars @", "folder in"),
    ("verify walkers @", "folder in"),
    ("walkers @ --people 2 --frames 2 3 --workers 1", "folder out"),
    ("walkers new --people @ --frames 2 3 --workers 1", "no count"),
    ("walkers new --people 2 --frames @ 3 --workers 1", "count"),
    ("walkers new --people 2 --frames 2 @ --workers 1", "no count"),
    ("walkers new --people 2 --frames 2 3 --workers @", "no count"),
    ("walkers new --people 2 --frames 2 3 --workers 1 --seed @", "from 0"),
    ("walkers new --people 2 --frames 2 3 --workers 1 --layout @", "word"),
)
# Kinds whose other values would be long work, or that have values of their own.
KINDS |= {
    "no count": (KINDS["count"][0], ()),
    "no workers": ((*NO_NUMBER, "-1", "inf", "-9" * 20), ("0",)),
    "no number": ((*NO_NUMBER, "-1", "inf"), ()),
    "no fraction": (
        ("x", "1/0", "nan", "inf", "1/2/3", "\0", "ö", "x" * 300, "1e99999", DIGITS + "x"),
        ("1e400", DIGITS),
    ),
    "nowhere": (NOWHERE, ()),
    "taken": (
        ("thesis.txt", "thesis.txt/below", "full", "locked/new", "x" * 300, "a\0b", "pipe", "/dev/null", "/proc/x"),
        (),
    ),
    "shapes": (
        (
            "x",
            "x:",
            "x:0",
            "x:-1",
            "x:a",
            "x:3,,5",
            "x:" + DIGITS,
            "x:999999,999999,999999",
            "x:3<2",
            "=",
            "\0",
            "x:3 x:4",
        ),
        (),
    ),
}
for ending in ("npz", "png", "html", "zip", "svg", "xml", "py"):
    refused = (
        "thesis.txt/x",
        "locked/x",
        "x" * 300,
        "a\0",
        "nowhere/x",
        "dangling/x",
        "/dev/null/x",
        "/proc/x",
        "taken",
        "pipe/x",
    )
    KINDS[ending] = (
        (*(f"{name}.{ending}" for name in refused), "x.wrong", "", ".", f".{ending}/x", "thesis.txt"),
        (f"ö漢.{ending}", f"a\nb.{ending}", f"there.{ending}", f"pipe.{ending}", f"\udcff.{ending}"),
    )


def of_options() -> Iterator[Case]:
    for command, kind in OPTIONS:
        refused, fine = KINDS[kind]
        part = "options of " + " ".join(word for word in command.split()[:2] if not set(word) & set("@-"))
        for value in (*refused, *fine):
            allowed = "any" if value in fine else "refuse"
            filled = tuple(word.replace("@", value) for word in command.split())
            yield Case(part, f"{command} = {shown(value)}", filled, more_in_the_way, allowed, checks(command))


def shown(value: str) -> str:
    return repr(value) if len(value) < 40 else f"{len(value)} letters"


def more_in_the_way() -> None:
    """A pipe, a link to itself, and for every ending a folder, a file and a pipe of that ending."""
    harms.os.mkfifo("pipe")
    Path("link").symlink_to("link")
    for ending in ("npz", "png", "html", "zip", "svg", "xml", "py"):
        Path(f"taken.{ending}").mkdir()
        Path(f"there.{ending}").write_text("old")
        harms.os.mkfifo(f"pipe.{ending}")
