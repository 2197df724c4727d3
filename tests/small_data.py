"""Small data for the tests of training and evaluation: prepared folders of a few tiny people, recipes that fit them.

A person is a pattern of 6 x 4 blocks of colour, a camera a tint, a frame the pattern with a little noise.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minireid.base.threads import threads as with_threads
from minireid.data import splits
from minireid.data.prepared import FORMAT, VERSION, Index, Prepared, Track, index_sha256, open_prepared
from minireid.evaluation.comparison import validate
from minireid.recipes.recipe import load
from minireid.recipes.schema import Recipe
from minireid.training import batches, loop
from minireid.training import run as runs
from minireid.training.experiment import experiment_of
from minireid.training.run import Run

HEIGHT, WIDTH = 24, 16
DEEP_RCN = ("losses.together=similarity", "network.filters=[4, 4, 4, 4]")  # CHANGES are of networks with a distance
# What a run on these people needs: every number that matters, so that the shipped recipes may change theirs.
CHANGES = (
    "network.dropout=0.5",
    "network.gain=1.0",
    "losses.together=joint",
    "losses.verification=contrastive_squared",
    "losses.margin=2.0",
    "losses.verification_weight=1.0",
    "losses.identification_weight=1.0",
    "clips.length=3",
    "clips.crop=[16, 8]",
    "clips.flow=false",
    "clips.square_root=false",
    "clips.recentre=false",
    "augment.mirror=true",
    "augment.negate_flow=true",
    "augment.first_offset=0",
    "augment.shift=0",
    "augment.scale=0.0",
    "augment.per_frame=false",
    "augment.shuffle=false",
    "augment.repeat=false",
    "pairs.sampler=shared",
    "pairs.persons=2",
    "pairs.same_camera=false",
    "training.epochs=2",
    "training.seed=0",
    "training.optimiser=adam",
    "training.learning_rate=1e-3",
    "training.schedule=cosine",
    "training.clip_elements=5.0",
    "training.weight_decay=0.0",
    "validation.persons=0",
    "validation.every=1",
    'evaluation.protocol="200"',
    "evaluation.frames=0",
    "evaluation.crops=2",
    "evaluation.mirrored=true",
    "evaluation.shift=0",
    "evaluation.normalise=false",
    "evaluation.within_groups=false",
    "evaluation.shuffle=false",
)


def index(dataset: str = "walkers") -> Index:
    """The index of a prepared folder that is only in memory: tests give its frames and tracks themselves."""
    colours = ["red", "green", "blue"]
    sizes: dict[str, Any] = {"height": 24, "width": 16, "channels": colours, "flow_scale": None, "frames": 1}
    return Index(dataset=dataset, **sizes, sha256="", source_sha256="", tracks=())


def write_prepared(
    path: Path,
    *,
    persons: Iterable[int] = range(1, 11),
    flow: bool = False,
    lengths: Sequence[int] = (6, 7, 8, 9),
    groups: int = 0,
    dataset: str = "walkers",
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> Prepared:
    """A prepared folder of these persons in both cameras; the tracks take `lengths` in turn.

    groups > 0: persons belong to groups of that many. flow: two more channels, random bytes from 0 to 254.
    """
    rng = np.random.default_rng(5)
    persons = list(persons)
    patterns = {person: rng.integers(20, 236, size=(6, 4, 3)) for person in persons}
    tint = {"a": np.array([0, 0, 0]), "b": np.array([12, -8, 4])}
    frames, tracks, start = [], [], 0
    for camera in "ab":
        for person in persons:
            length = lengths[len(tracks) % len(lengths)]
            group = (person - 1) // groups if groups else None
            tracks.append(Track(person, camera, start, length, group))
            start += length
            frames.append(film(rng, patterns[person] + tint[camera], length, size, flow))
    path.mkdir(parents=True)
    np.save(path / "frames.npy", np.concatenate(frames))
    write_index(path, tracks, size, flow, dataset)
    return open_prepared(path)


def write_tracks(path: Path, tracks: Iterable[Track], dataset: str = "mars") -> Prepared:
    """A prepared folder of these tracks (their `start` does not matter), each person a pattern, each camera a tint."""
    rng = np.random.default_rng(6)
    patterns: dict[int, np.ndarray] = {}
    tints: dict[str, np.ndarray] = {}
    frames, placed, start = [], [], 0
    for track in tracks:
        pattern = patterns.setdefault(track.person, rng.integers(20, 236, size=(6, 4, 3)))
        tint = tints.setdefault(track.camera, rng.integers(-10, 11, size=3))
        placed.append(replace(track, start=start))
        start += track.length
        frames.append(film(rng, pattern + tint, track.length, (HEIGHT, WIDTH), False))
    path.mkdir(parents=True)
    np.save(path / "frames.npy", np.concatenate(frames))
    write_index(path, placed, (HEIGHT, WIDTH), False, dataset)
    return open_prepared(path)


def film(rng: np.random.Generator, pattern: np.ndarray, length: int, size: tuple[int, int], flow: bool) -> np.ndarray:
    """uint8 (length, *size, 3 or 5): the pattern enlarged, with noise; and flow."""
    rows, columns = (np.arange(n) * blocks // n for n, blocks in zip(size, pattern.shape))
    still = pattern[rows][:, columns]
    colours = np.clip(still + rng.integers(-5, 6, size=(length, *size, 3)), 0, 255).astype(np.uint8)
    if not flow:
        return colours
    return np.concatenate([colours, rng.integers(255, size=(length, *size, 2), dtype=np.uint8)], axis=-1)


def write_index(path: Path, tracks: list[Track], size: tuple[int, int], flow: bool, dataset: str) -> None:
    records: list[dict[str, Any]] = [
        {key: value for key, value in vars(track).items() if value is not None} for track in tracks
    ]
    entries = {
        "format": FORMAT,
        "version": VERSION,
        "dataset": dataset,
        "height": size[0],
        "width": size[1],
        "channels": ["red", "green", "blue"] + (["flow_x", "flow_y"] if flow else []),
        "flow_scale": 16 if flow else None,
        "frames": sum(track.length for track in tracks),
        "sha256": hashlib.sha256((path / "frames.npy").read_bytes()).hexdigest(),
        "source_sha256": "",
        "tracks": records,
    }
    (path / "index.json").write_text(json.dumps(entries | {"index_sha256": index_sha256(entries)}))


def recipe(*changes: str, name: str = "msp_src") -> Recipe:
    """A shipped recipe made to fit the tiny people, and then changed."""
    return load(name, (*CHANGES, *changes))


def new_run(path: Path, prepared: Prepared, *changes: str, name: str = "msp_src") -> Run:
    """A run folder that nothing has been trained in; checked as `minireid train` does."""
    wanted = recipe(*changes, name=name)
    batches.check_fits(wanted, prepared)
    split = splits.seeded(prepared, wanted.evaluation.protocol, 0)
    training, validation = splits.hold_out(split, prepared, wanted.validation.persons)
    people = experiment_of(wanted, prepared, training).people
    return runs.create(path, wanted, prepared, split, training, validation, len(people.persons))


def train(
    run: Run, *, resume: bool = False, stop_after: int | None = None, threads: int = 1, definition: bool = False
) -> None:
    """Train as `minireid train` does; on one thread, which is quickest for images as small as these."""
    prepared = run.prepared()

    def validator(params: Any, persons: tuple[int, ...]) -> dict[str, float]:
        return validate(run.recipe, prepared, params, persons)

    with with_threads(threads):
        loop.train(run, prepared, validator, resume=resume, stop_after=stop_after, definition=definition)


def trained(path: Path, prepared: Prepared, *changes: str, name: str = "msp_src") -> Run:
    """A run, trained to its end."""
    run = new_run(path, prepared, *changes, name=name)
    train(run)
    return run


def bits(file: Path) -> dict[str, bytes]:
    """Every array of an .npz file, as type, shape and bytes."""
    with np.load(file) as arrays:
        return {name: f"{array.dtype} {array.shape} ".encode() + array.tobytes() for name, array in arrays.items()}


def log_of(run: Run) -> list[dict[str, Any]]:
    """The lines of the run's log, without the seconds that each step took."""
    lines = (run.path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]


def listing(*folders: Path) -> dict[str, bytes]:
    """Every file below these folders, and its bytes; but for the notes of checks, which have dates in them."""
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    files = [file for file in files if file.name != ".checked"]
    return {str(file): file.read_bytes() for file in files}


def as_changes(*changes: str) -> list[str]:
    """The command line's words for a recipe that fits the tiny people, and more changes."""
    return [word for change in (*CHANGES, *changes) for word in ("--set", change)]
