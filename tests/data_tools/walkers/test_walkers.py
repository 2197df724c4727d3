"""The synthetic walkers: the files that they write, how they walk, and what they refuse."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.commands.walkers import main
from data_tools.walkers import write as walkers
from data_tools.walkers.cameras import CAMERA_A, CAMERA_B, CAMERAS, draw_track, film
from data_tools.walkers.drawing import draw_figure, make_figure
from data_tools.walkers.gait import body_joints, metres_per_cycle, project
from data_tools.walkers.people import PALETTE, draw_person
from data_tools.walkers.write import Walk, write_walkers
from minireid.base.errors import InputError


def digest(folder: Path) -> dict[str, str]:
    """Every file's name and hash."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("walkers") / "raw"
    write_walkers(out, people=4, seed=3, frames=(2, 5), workers=1, progress=False)
    return out


def frames_of(walk: Walk, camera: str, seed: int, count: int) -> np.ndarray:
    return np.stack(list(walkers._track_frames(walk, camera, seed, (count, count))[0]))


def test_same_seed_same_bytes_for_any_number_of_workers(written: Path, tmp_path: Path) -> None:
    write_walkers(tmp_path / "two", people=4, seed=3, frames=(2, 5), workers=2, progress=False)
    assert digest(written) == digest(tmp_path / "two")


def test_another_seed_gives_other_people_on_other_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    def record(person: object, track: object, phase: object, seed: object) -> Iterator[np.ndarray]:
        return iter((person, track.colours))  # type: ignore[attr-defined,arg-type]

    monkeypatch.setattr(walkers, "film", record)
    one, two = (list(walkers._track_frames(Walk(1, "ab"), "a", seed, (2, 2))[0]) for seed in (0, 1))
    assert one[0] != two[0] and one[1] != two[1]


def test_layout_is_that_of_prid_2011(written: Path) -> None:
    assert sorted(p.name for p in written.iterdir()) == ["contact_sheet.png", "multi_shot", "walkers.json"]
    assert sorted(p.name for p in (written / "multi_shot").iterdir()) == ["cam_a", "cam_b"]
    lengths = set()
    for folder in written.glob("multi_shot/cam_?/person_*"):
        names = sorted(p.name for p in folder.iterdir())
        assert names == [f"{i:04d}.png" for i in range(1, len(names) + 1)]
        lengths.add(len(names))
        with Image.open(folder / names[0]) as frame:
            assert (frame.size, frame.mode) == ((64, 128), "RGB")
    assert lengths <= {2, 3, 4, 5} and len(lengths) > 1


def test_the_first_people_are_in_both_cameras_and_a_tenth_more_in_one() -> None:
    walks = walkers.cast(20, 0, twins=False)
    assert [w.person for w in walks] == list(range(1, 23))
    assert [w.cameras for w in walks] == ["ab"] * 20 + ["a", "b"]


def test_folders_are_those_of_the_cast(written: Path) -> None:
    seen = {c: {int(p.name[-4:]) for p in (written / "multi_shot" / f"cam_{c}").iterdir()} for c in "ab"}
    assert seen == {"a": {1, 2, 3, 4, 5}, "b": {1, 2, 3, 4}}


def test_walkers_json_describes_everybody(written: Path) -> None:
    facts = json.loads((written / "walkers.json").read_text())
    assert (facts["format"], facts["version"], facts["seed"], facts["twins"]) == ("minireid-walkers", 1, 3, False)
    assert list(facts["people"]) == ["1", "2", "3", "4", "5"]
    first = facts["people"]["1"]
    assert first["top"] in PALETTE and 1.5 < first["height"] < 2 and "group" not in first


def test_contact_sheet_is_small(written: Path) -> None:
    sheet = written / "contact_sheet.png"
    assert sheet.stat().st_size < 300_000
    with Image.open(sheet) as picture:
        assert picture.height == 4 * 96


@pytest.mark.parametrize(
    "arguments",
    [
        ["--people", "0"],
        ["--people", "two"],
        ["--seed", "-1"],
        ["--frames", "5", "4"],
        ["--frames", "0", "4"],
        ["--workers", "0"],
        ["--workers", "1000000000"],
        ["--seed", "9" * 6000],
        ["--people", "9" * 6000],
        ["--twins", "--people", "6"],
        ["--twins", "--people", "4", "--frames", "30", "40"],
        ["--colour", "red"],
    ],
)
def test_bad_arguments_are_one_line_and_write_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "raw"), *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and len(error) < 400
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"new or empty folder, but .*raw is not"):
        write_walkers(tmp_path / "raw", people=1, seed=0, progress=False)
    assert digest(tmp_path).keys() == {"raw/mine.txt"}


def test_leftovers_of_a_stopped_run_are_replaced_but_nothing_else_is(tmp_path: Path) -> None:
    (tmp_path / "raw.partial" / "multi_shot" / "cam_c").mkdir(parents=True)
    (tmp_path / "raw.partial" / "walkers.json.partial").write_text("{")  # it was killed while it wrote that file
    (tmp_path / "raw").mkdir()  # an empty folder is as good as none
    write_walkers(tmp_path / "raw", people=1, seed=0, frames=(1, 2), workers=1, progress=False)
    assert not (tmp_path / "raw.partial").exists() and not (tmp_path / "raw/multi_shot/cam_c").exists()

    (tmp_path / "new.partial").mkdir()
    (tmp_path / "new.partial" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"new\.partial"):
        write_walkers(tmp_path / "new", people=1, seed=0, progress=False)
    assert (tmp_path / "new.partial" / "mine.txt").exists() and not (tmp_path / "new").exists()


def test_the_command_line_writes_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "raw"
    assert main([str(out), "--people", "1", "--frames", "1", "2", "--workers", "1"]) == 0
    assert str(out / "contact_sheet.png") in capsys.readouterr().out
    assert (out / "multi_shot" / "cam_b" / "person_0001" / "0001.png").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_leaves_nothing(workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(walkers, "contact_sheet", interrupt)
    assert main([str(tmp_path / "raw"), "--people", "1", "--frames", "1", "2", "--workers", str(workers)]) == 130
    assert list(tmp_path.iterdir()) == []


def started(out: Path) -> tuple[subprocess.Popen, list[int]]:
    """A real process that draws, and its two workers, once they are at work."""
    command = [sys.executable, "-m", "data_tools.walkers", str(out), "--people", "400", "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while len(list(out.parent.glob("*.partial/multi_shot/cam_?/*/0001.png"))) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True).stdout
    workers = [int(pid) for pid in listed.split()]
    assert len(workers) >= 2
    return process, workers


def alive(pid: int) -> bool:
    """Is there such a process? One that has ended, and whose end nobody has asked for, is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_process_that_started_them(sent: signal.Signals, tmp_path: Path) -> None:
    """After SIGKILL too, of which it hears nothing. The next run into the same folder works."""
    process, workers = started(tmp_path / "raw")
    process.send_signal(sent)
    error = process.communicate()[1]
    until = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(alive, workers))
    if sent == signal.SIGINT:
        assert process.returncode == 130 and error.endswith("stopped: nothing was written\n")
        assert "Traceback" not in error and list(tmp_path.iterdir()) == []
    assert main([str(tmp_path / "raw"), "--people", "1", "--frames", "1", "2", "--workers", "1"]) == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["raw"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
def test_a_worker_that_is_killed_and_a_second_run_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    process, workers = started(tmp_path / "raw")
    assert main([str(tmp_path / "raw"), "--people", "1"]) == 2
    assert "another data_tools.walkers is at work in" in capsys.readouterr().err
    os.kill(workers[0], signal.SIGKILL)
    error = process.communicate()[1]
    assert process.returncode == 2 and error.splitlines()[-1].startswith("error: a process that draws was ended")
    assert "Traceback" not in error and list(tmp_path.iterdir()) == []


PLAIN: dict[str, object] = {
    "top": "navy",
    "top_accent": "white",
    "top_pattern": "plain",
    "top_length": 0.02,
    "sleeves": "long",
    "bottom_kind": "trousers",
    "hair": "short",
    "hair_colour": "blond",
    "bag": "none",
    "bag_colour": "mustard",
    "girth": 0.11,
    "hips": 0.14,
}
PHASE = np.linspace(0, 2 * np.pi, 24, endpoint=False)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_limbs_keep_their_lengths_and_a_foot_is_always_on_the_ground(number: int) -> None:
    person = replace(draw_person(np.random.default_rng(number)), bounce=0.0)
    joints = body_joints(person, PHASE)
    for side in ("left", "right"):
        for p, q in (("hip", "knee"), ("knee", "ankle"), ("heel", "toe"), ("shoulder", "elbow"), ("elbow", "wrist")):
            length = np.linalg.norm(joints[f"{side}_{p}"] - joints[f"{side}_{q}"], axis=1)
            assert np.ptp(length) < 1e-9 and length[0] > 0.05
    feet = np.stack([joints[f"{s}_{p}"][:, 2] for s in ("left", "right") for p in ("heel", "toe")])
    np.testing.assert_allclose(feet.min(0), 0, atol=1e-12)


def test_the_legs_are_half_a_cycle_apart_and_arms_swing_against_them() -> None:
    person = replace(draw_person(np.random.default_rng(1)), bag="none")
    joints = body_joints(person, PHASE)
    half = len(PHASE) // 2
    np.testing.assert_allclose(joints["left_toe"][:, 0], np.roll(joints["right_toe"][:, 0], half), atol=1e-9)
    ankle = joints["left_ankle"][:, 0] - joints["left_ankle"][:, 0].mean()
    wrist = joints["left_wrist"][:, 0] - joints["left_wrist"][:, 0].mean()
    assert np.corrcoef(ankle, wrist)[0, 1] < -0.8


def test_the_ground_passes_as_fast_as_the_standing_foot_moves_back() -> None:
    """Otherwise people would slide. The speed is the one that walkers.py gives to the street."""
    for number in range(5):
        person = draw_person(np.random.default_rng(number))
        ankle = body_joints(person, PHASE)["left_ankle"][:, 0]
        stance = -np.diff(ankle)[(PHASE[:-1] > 0.6) & (PHASE[:-1] < 2.4)].mean() * len(PHASE)  # metres per cycle
        assert 0.7 < stance / metres_per_cycle(person) < 1.4


def test_walking_to_the_left_is_the_mirror_image_of_walking_to_the_right() -> None:
    """In the mirror, the right leg of the one is the left leg of the other."""
    person = replace(draw_person(np.random.default_rng(2)), bag="none")
    scale, feet = np.full(24, 100.0), np.zeros((24, 2))
    right = project(body_joints(person, PHASE), 0.4, 0.1, scale, feet)
    left = project(body_joints(person, PHASE + np.pi), np.pi - 0.4, 0.1, scale, feet)
    for part in ("knee", "toe", "elbow", "wrist"):
        np.testing.assert_allclose(left[f"left_{part}"], right[f"right_{part}"] * [-1, 1], atol=1e-9)
    assert right["left_toe"][:, 0].max() > 10 > abs(right["head"][:, 0]).max() - 10


def picture(heading: float, **changes: object) -> np.ndarray:
    """A person on a green ground, at the start of a step."""
    person = replace(draw_person(np.random.default_rng(5)), **{**PLAIN, **changes})  # type: ignore[arg-type]
    canvas = Image.new("RGB", (128, 256), (0, 255, 0))
    at = project(body_joints(person, np.zeros(1)), heading, 0.1, np.full(1, 125.0), np.array([[64.0, 244.0]]))
    figure = make_figure(person, heading, 125.0, 0.3)
    draw_figure(canvas, figure, {name: (float(p[0, 0]), float(p[0, 1])) for name, p in at.items()})
    return np.asarray(canvas)


def test_a_person_fills_the_frame_and_shows_what_they_wear() -> None:
    drawn = picture(0.6)
    rows = np.flatnonzero((drawn != (0, 255, 0)).any(2).any(1))
    assert np.ptp(rows) > 180
    changes: list[dict[str, object]] = [
        {"sleeves": "short", "top": "red"},
        {"bottom_kind": "skirt"},
        {"hair": "long"},
        {"top_pattern": "checks"},
        {"girth": 0.19, "hips": 0.22},
        {"bag": "backpack"},
        {"bag": "shoulder bag"},
        {"bag": "handbag"},
        {"bag": "suitcase"},
    ]
    pictures = []
    for change in changes:
        person = replace(draw_person(np.random.default_rng(5)), **{**PLAIN, **change})  # type: ignore[arg-type]
        track = draw_track(np.random.default_rng(0), replace(CAMERA_A, occluders=0.0), 1, person.height, 0.0)
        pictures.append(next(film(person, track, np.zeros(1), 0)).astype(int))
    for i, one in enumerate(pictures):
        assert all((abs(one - other) > 30).sum() > 100 for other in pictures[:i])


@pytest.mark.parametrize("heading", [0.7, -0.7])
@pytest.mark.parametrize("bag", ["backpack", "shoulder bag", "handbag", "suitcase"])
def test_a_bag_shows_from_the_front_and_from_behind(bag: str, heading: float) -> None:
    """The person carries it on the right, which is the near side here."""
    drawn = picture(heading, bag=bag, bag_colour="mustard", bag_side="right")
    assert (drawn == PALETTE["mustard"]).all(2).sum() > 400


def test_the_near_limbs_are_brighter_and_change_sides_with_the_direction() -> None:
    """At phase 0 the left leg is in front: seen from the right of the walker it is the far one, so the darker one."""
    shoes = {"shoes": "white", "bottom_kind": "trousers"}
    for heading, front_is_near in ((0.1, False), (np.pi - 0.1, True)):
        drawn = picture(heading, **shoes)[200:].astype(int)
        white = np.ptp(drawn, axis=2) < 20
        front = slice(64, 128) if heading < 1 else slice(0, 64)
        back = slice(0, 64) if heading < 1 else slice(64, 128)
        brightest = [drawn[:, part].min(2)[white[:, part]].max() for part in (front, back)]
        assert (brightest[0] > brightest[1]) == front_is_near


def test_cameras_differ_in_view_and_colour() -> None:
    assert np.sign(CAMERA_A.aside) != np.sign(CAMERA_B.aside)
    grey = {}
    for camera in CAMERAS:
        track = draw_track(np.random.default_rng(0), camera, 3, 1.7, 0.05)
        grey[camera.name] = np.array(track.colours).reshape(3, 4) @ [128, 128, 128, 1]
    cast = {name: g / g.mean() for name, g in grey.items()}
    assert cast["a"][2] < cast["b"][2] - 0.05


def test_most_people_walk_to_one_side_and_some_to_the_other() -> None:
    for camera in CAMERAS:
        tracks = [draw_track(np.random.default_rng(s), camera, 2, 1.7, 0.05) for s in range(60)]
        share = np.mean([np.cos(t.heading) > 0 for t in tracks])
        assert 0 < share < 1 and abs(share - camera.rightwards) < 0.2


def test_a_track_wanders_smoothly_and_the_street_passes_against_the_walk() -> None:
    track = draw_track(np.random.default_rng(1), CAMERA_A, 200, 1.7, 0.07)
    step = np.abs(np.diff(track.feet, axis=0)).max()
    assert 0 < step < 6 and np.ptp(track.feet[:, 0]) > 8
    passes = np.diff(track.street[:, 0]).mean()
    assert passes * np.cos(track.heading) > 0  # the window moves along with the walker


def test_mean_colour_hardly_tells_who_is_who() -> None:
    count = 40
    means = {
        camera: np.stack([frames_of(Walk(p, "ab"), camera, 0, 2).mean((0, 1, 2)) for p in range(1, count + 1)])
        for camera in "ab"
    }
    distance = np.linalg.norm(means["a"][:, None] - means["b"][None], axis=2)
    assert (distance.argmin(1) == np.arange(count)).mean() < 0.2
