"""The twins: as a set, the frames of a window say nothing about who it is."""

import inspect
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from data_tools.walkers import write as walkers
from data_tools.walkers.cameras import CAMERAS, draw_track, film
from data_tools.walkers.twins import POSES, STEPS, pose_indices, twin_look, twin_steps, twin_track
from data_tools.walkers.write import Walk, write_walkers


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("twins") / "raw"
    write_walkers(out, people=8, seed=1, twins=True, workers=1, progress=False)
    return out


def test_each_window_holds_each_pose_once(written: Path) -> None:
    facts = json.loads((written / "walkers.json").read_text())
    assert len(facts["poses"]) == 16
    for name, poses in facts["poses"].items():
        assert len(poses) == len(list((written / "multi_shot" / name).iterdir()))
        for start in range(len(poses) - POSES + 1):
            assert sorted(poses[start : start + POSES]) == list(range(POSES))
        step = facts["people"][str(int(name[-4:]))]["step"]
        assert {(b - a) % POSES for a, b in pairwise(poses)} == {step}


def test_people_come_in_groups_of_four_with_all_steps_in_shuffled_order(written: Path) -> None:
    people = json.loads((written / "walkers.json").read_text())["people"]
    assert [p["group"] for p in people.values()] == [0] * 4 + [1] * 4
    assert all(p["cameras"] == "ab" for p in people.values())
    for group in (0, 1):
        members = [dict(p) for p in people.values() if p["group"] == group]
        assert sorted(p.pop("step") for p in members) == sorted(STEPS)
        assert all(p == members[0] for p in members)  # the same clothes, body and gait
    orders = {tuple(twin_steps(seed, group)) for seed in range(5) for group in range(5)}
    assert len(orders) > 8


def test_twins_show_the_same_frames_in_another_order() -> None:
    """With every accident taken away, the windows of all twins are equal as sets, and differ as sequences."""
    person = twin_look(0, 0)
    track = draw_track(np.random.default_rng(0), replace(CAMERAS[0], wander=0, scale_spread=0, noise=0), 31, 1.7, 0.0)
    windows = []
    for phase, step in ((0, 2), (7, 3), (11, 4), (30, 5)):
        poses = pose_indices(phase, step, POSES)
        windows.append([frame.tobytes() for frame in film(person, track, 2 * np.pi * poses / POSES, 0)])
    assert len(set(windows[0])) == POSES
    assert all(set(w) == set(windows[0]) and w != windows[0] for w in windows[1:])


def test_nothing_but_the_pose_depends_on_the_step() -> None:
    """Same person number, other step: same length, same first pose, same first frame."""
    assert "step" not in inspect.signature(twin_track).parameters
    slow, slow_poses = walkers._track_frames(Walk(1, "ab", 0, 2), "a", 0, (31, 40))
    fast, fast_poses = walkers._track_frames(Walk(1, "ab", 0, 5), "a", 0, (31, 40))
    assert len(slow_poses) == len(fast_poses) and slow_poses[0] == fast_poses[0]
    a, b = list(slow), list(fast)
    assert np.array_equal(a[0], b[0]) and not np.array_equal(a[1], b[1])


def tracks(groups: int) -> dict[tuple[int, int, int], object]:
    return {
        (g, i, c): twin_track(np.random.default_rng([0, 1 + 4 * g + i, 1 + c]), 0, g, c, (31, 40))
        for g in range(groups)
        for i in range(4)
        for c in (0, 1)
    }


def test_cameras_share_no_accident_and_lengths_are_drawn_for_each_track() -> None:
    drawn = tracks(10)
    lengths = np.array([[[len(drawn[g, i, c].scale) for c in (0, 1)] for i in range(4)] for g in range(10)])  # type: ignore[attr-defined]
    assert lengths.min() >= 31 and lengths.max() <= 40 and len(np.unique(lengths)) > 6
    assert abs(np.corrcoef(lengths[..., 0].ravel(), lengths[..., 1].ravel())[0, 1]) < 0.4
    for g in range(10):
        a, b = drawn[g, 0, 0], drawn[g, 0, 1]
        assert a.street[0, 0] % 100 != b.street[0, 0] % 100 and a.colours != b.colours  # type: ignore[attr-defined]


def test_within_a_camera_the_group_shares_place_light_and_direction() -> None:
    """Else a network could learn by heart which track is whose."""
    drawn = tracks(2)
    for i in range(1, 4):
        one, other = drawn[0, 0, 0], drawn[0, i, 0]
        for name in ("heading", "colours", "curve", "blur"):
            assert getattr(one, name) == getattr(other, name)
        assert not np.array_equal(one.feet[:31], other.feet[:31])  # type: ignore[attr-defined]
    assert drawn[0, 0, 0].heading != drawn[1, 0, 0].heading  # type: ignore[attr-defined]


def test_accidents_of_neighbouring_frames_are_not_alike() -> None:
    """A box that drifted slowly would tell, together with the pose, which poses were close in time, and so the step."""

    def likeness(paths: list[np.ndarray]) -> float:
        parts = [(p - p.mean(0)) for p in paths]
        return sum(float((p[1:] * p[:-1]).sum()) for p in parts) / sum(float((p * p).sum()) for p in parts)

    drawn = [t for t in tracks(25).values()]
    for name in ("feet", "scale", "street"):
        assert abs(likeness([getattr(t, name) for t in drawn])) < 0.12
    smooth = [draw_track(np.random.default_rng(s), CAMERAS[0], 40, 1.7, 0.0).feet for s in range(25)]
    assert likeness(smooth) > 0.7  # ordinary walkers drift: the measure can tell
