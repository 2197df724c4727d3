"""The walkers in the layouts of three datasets: which file a frame goes to, and the lists of MARS.

prid2011     multi_shot/cam_a/person_0001/0001.png; a tenth more people are seen by one camera only
ilids_vid    sequences/cam1/person001/cam1_person001_00038.png; all are in both cameras; tracks start at any number
mars         bbox_train/0001/0001C1T0001F001.jpg and bbox_test/…, and info/: see data_tools/mars.py. Two or three of
             the three cameras see a person. Odd numbers are to train, even ones to test. Each walk is cut into one to
             three tracks. A tenth more people are distractors. Every fourth person also gives junk: bad boxes, which
             show a quarter of the frame
"""

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from minireid.base.errors import InputError

Pictures = Iterable[np.ndarray]
Files = Iterator[tuple[str, np.ndarray]]  # path below the dataset's folder, and the picture to write there
NAMES = "abc"  # cameras
LONGEST = 999  # frames of a MARS track: names are sorted as text
MAT_HEADER = b"MATLAB 5.0 MAT-file, minireid's walkers".ljust(116)  # SciPy's own header contains the time


def prid2011(pictures: Pictures, person: int, camera: str, seed: int) -> Files:
    """A person's track in one camera."""
    for n, picture in enumerate(pictures, start=1):
        yield f"multi_shot/cam_{camera}/person_{person:04d}/{n:04d}.png", picture


def ilids_vid(pictures: Pictures, person: int, camera: str, seed: int) -> Files:
    """A person's track in one camera. The first frame's number depends on the person."""
    name, first = f"cam{1 + NAMES.index(camera)}", 1 + 37 * person % 500
    for n, picture in enumerate(pictures, start=first):
        yield f"sequences/{name}/person{person:03d}/{name}_person{person:03d}_{n:05d}.png", picture


def mars(pictures: Pictures, person: int, camera: str, seed: int) -> Files:
    """A person's tracks in one camera, and junk."""
    walk, number = list(pictures), 1 + NAMES.index(camera)
    rng = np.random.default_rng([seed, person, 20 + number])
    pieces = min(int(rng.integers(1, 4)), len(walk))
    for k in range(pieces):
        part = walk[len(walk) * k // pieces : len(walk) * (k + 1) // pieces]
        yield from _mars_track(part, f"{person:04d}", number, k + 1, "train" if person % 2 else "test")
    if person % 4 == 0:
        bad = [picture[:64, :32].repeat(2, axis=0).repeat(2, axis=1) for picture in walk[: 1 + len(walk) // 4]]
        yield from _mars_track(bad, "00-1", number, person, "test")


def mars_distractor(pictures: Pictures, person: int, camera: str, seed: int) -> Files:
    """A person's track in one camera, as a distractor: person 0 of MARS."""
    yield from _mars_track(list(pictures), "0000", 1 + NAMES.index(camera), person, "test")


def _mars_track(pictures: list[np.ndarray], person: str, camera: int, track: int, part: str) -> Files:
    for n, picture in enumerate(pictures, start=1):
        yield f"bbox_{part}/{person}/{person}C{camera}T{track:04d}F{n:03d}.jpg", picture


LAYOUTS: dict[str, Callable[[Pictures, int, str, int], Files]] = {
    "prid2011": prid2011,
    "ilids_vid": ilids_vid,
    "mars": mars,
}


def save(path: Path, picture: np.ndarray) -> None:
    """Write a picture (H, W, 3) uint8 as .jpg or .png. Missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jpg":
        Image.fromarray(picture).save(path, quality=90)
    else:
        Image.fromarray(picture).save(path, compress_level=1)


def first_frames(out: Path, layout: str, person: int, camera: str) -> list[Path]:
    """The frames of a person's first track in a camera, in order; [] if the camera did not see the person."""
    number = 1 + NAMES.index(camera)
    patterns = {
        "prid2011": f"multi_shot/cam_{camera}/person_{person:04d}/*.png",
        "ilids_vid": f"sequences/cam{number}/person{person:03d}/*.png",
        "mars": f"bbox_*/{person:04d}/{person:04d}C{number}T0001F*.jpg",
    }
    return sorted(out.glob(patterns[layout]))


def write_mars_info(out: Path, seed: int) -> None:
    """Write the folder info for bbox_train and bbox_test: lists of names, rows of tracks, and the queries.

    One track of each test person and camera, drawn at random, is a query.
    """
    info = out / "info"
    info.mkdir()
    rng = np.random.default_rng([seed, 9])
    for part in ("train", "test"):
        names = sorted(path.name for path in (out / f"bbox_{part}").rglob("*.jpg"))
        (info / f"{part}_name.txt").write_text("".join(f"{name}\n" for name in names), encoding="ascii", newline="\n")
        rows = []
        for track, lines in groupby(range(1, len(names) + 1), key=lambda line: names[line - 1][:11]):
            numbers = list(lines)
            person = -1 if track[:4] == "00-1" else int(track[:4])
            rows.append((numbers[0], numbers[-1], person, int(track[5])))
        _write_mat(info / f"tracks_{part}_info.mat", f"track_{part}_info", np.array(rows, np.float64))
    by_place: dict[tuple[int, int], list[int]] = {}
    for k, (_, _, person, camera) in enumerate(rows, start=1):  # rows of the test part
        if person > 0:
            by_place.setdefault((person, camera), []).append(k)
    queries = [int(rng.choice(places)) for places in by_place.values()]
    _write_mat(info / "query_IDX.mat", "query_IDX", np.array([queries], np.float64))


def _write_mat(path: Path, name: str, numbers: np.ndarray) -> None:
    from scipy.io import savemat

    content = io.BytesIO()
    savemat(content, {name: numbers}, do_compression=True)
    path.write_bytes(MAT_HEADER + content.getvalue()[len(MAT_HEADER) :])


def check_mars(people: int, longest: int, twins: bool) -> None:
    """InputError if the walkers cannot be written in MARS's layout."""
    try:
        import scipy.io  # noqa: F401
    except ImportError:
        raise InputError("MARS's .mat files are written by SciPy: pip install 'minireid[mars]'") from None
    if people < 4:
        raise InputError(f"expected at least 4 people for MARS (two to train, two to test), got {people}")
    if longest > LONGEST:
        raise InputError(f"expected at most {LONGEST} frames for MARS, got {longest}: change --frames")
    if twins:
        raise InputError("twins come in two cameras, a track each: choose --layout prid2011 or ilids_vid")
