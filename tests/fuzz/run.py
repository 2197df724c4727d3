"""`python -m tests.fuzz.run TARGET FOLDER SECONDS SEED`: one fuzzer in this process, with atheris if it is there.

A finding is written to FOLDER/findings, one file for each root (exception and place), and the fuzzer goes on.
"""

import json
import random
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

WATCHED = [  # what is guided by: the readers
    *(
        "minireid.base",
        "minireid.data.prepared",
        "minireid.data.splits",
        "minireid.recipes",
        "minireid.training.checkpoint",
    ),
    *("minireid.training.log", "minireid.experiments.folder", "minireid.experiments.rows", "tomllib", "zipfile"),
]


def main(name: str, folder: Path, seconds: int, seed: int) -> None:
    if atheris:
        with atheris.instrument_imports(include=WATCHED):
            from tests.fuzz.targets import TARGETS
    else:
        from tests.fuzz.targets import TARGETS
    for made in ("corpus", "findings", "world"):
        (folder / made).mkdir(parents=True, exist_ok=True)
    target = TARGETS[name](folder / "world")
    for content in target.seeds:
        target.read(content)  # a seed that is refused would be a poor one
    for number, content in enumerate(target.seeds):
        (folder / f"corpus/seed{number}").write_bytes(content)
    one = guarded(target.read, folder / "findings")
    if atheris:
        limits = [
            f"-max_total_time={seconds}",
            f"-seed={seed + 1}",
            "-timeout=60",
            "-rss_limit_mb=4096",
            "-max_len=20000",
        ]
        atheris.Setup(
            [sys.argv[0], *limits, "-verbosity=1", f"-artifact_prefix={folder}/", str(folder / "corpus")], one
        )
        atheris.Fuzz()
    else:
        without_guide(one, target.seeds, seconds, seed)


def guarded(read: Callable[[bytes], object], findings: Path) -> Callable[[bytes], None]:
    """read, with every exception but InputError written down."""
    from minireid.base.errors import InputError

    def one(content: bytes) -> None:
        try:
            read(content)
        except InputError as fault:
            if "\n" in str(fault) or len(str(fault)) > 400:
                keep(findings, "a message that is not one short line", str(fault)[:1000], content)
        except Exception as fault:
            place = traceback.extract_tb(fault.__traceback__)[-1]
            root = f"{type(fault).__name__} in {Path(place.filename).name}:{place.lineno} {place.name}"
            keep(findings, root, traceback.format_exc(), content)

    return one


def keep(findings: Path, root: str, text: str, content: bytes) -> None:
    file = findings / "".join(sign if sign.isalnum() else "_" for sign in root)
    if not file.exists():
        file.write_text(json.dumps({"root": root, "text": text}))
        file.with_suffix(".input").write_bytes(content)


def without_guide(one: Callable[[bytes], None], seeds: list[bytes], seconds: int, seed: int) -> None:
    """Without atheris: changes at random, on what was given."""
    draw, end, count = random.Random(seed), time.monotonic() + seconds, 0
    words = [
        b"\0",
        b"\xff",
        b'"',
        b"[",
        b"]",
        b"{",
        b"}",
        b"-1",
        b"1e999",
        b"NaN",
        b"null",
        b"9" * 5000,
        b"[" * 3000,
        b"\\ud800",
    ]
    while time.monotonic() < end:
        content = bytearray(draw.choice(seeds))
        for _ in range(draw.randrange(1, 6)):
            place = draw.randrange(len(content) + 1)
            length = draw.choice((0, 1, 1, 4, 50))
            piece = draw.choice(
                (draw.choice(words), draw.randbytes(draw.randrange(4)), bytes(content[: draw.randrange(99)]))
            )
            content[place : place + length] = piece
        one(bytes(content))
        count += 1
    print(f"Done {count} runs, not guided by coverage: pip install atheris")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
