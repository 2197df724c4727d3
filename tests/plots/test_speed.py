"""The pictures of `minireid bench`: one of each, from made-up rows."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minireid.plots import speed

LAYERS = [
    {"threads": n, "way": way, "direction": direction, "FLOP/byte": intensity, "GFLOP/s": gflops}
    for n in (1, 2)
    for way, gflops in (("loops", 0.005), ("im2col", 40.0), ("fused", 220.0))
    for direction, intensity in (("forward", 110.0), ("backward weights", 240.0), ("backward input", 260.0))
]
STEPS = [
    {
        "what": what,
        "size": "64 x 32",
        "threads": n,
        "ms": {"minireid": 20.0, "PyTorch, channels last": 40.0, "PyTorch, default": 60.0},
    }
    for what in ("training step", "embedding")
    for n in (1, 2)
]
GROWTH = [{"grows": what, "size": size, "ns": 80.0} for what in ("frames", "clips", "pixels") for size in (2, 4, 8, 16)]
ABOUT = {"peak GFLOP/s": {1: 240.0, 2: 470.0}, "GB/s": 36.0}


def looked_at(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert path.stat().st_size < 300_000 and min(pixels.shape[:2]) > 200
    return pixels


@pytest.mark.parametrize("ways", [("minireid", "PyTorch, channels last", "PyTorch, default"), ("minireid",)])
def test_bars_with_and_without_pytorch(ways: tuple[str, ...], tmp_path: Path) -> None:
    rows = [{**row, "ms": {way: row["ms"][way] for way in ways}} for row in STEPS]  # type: ignore[index]
    speed.draw_bars(tmp_path / "bars.png", rows)
    found = {tuple(colour) for colour in looked_at(tmp_path / "bars.png").reshape(-1, 3).tolist()}
    for way, colour in speed.COLOURS.items():
        if way in STEPS[0]["ms"]:  # type: ignore[operator]
            wanted = tuple(bytes.fromhex(colour[1:]))
            near = any(max(abs(a - b) for a, b in zip(wanted, pixel)) < 8 for pixel in found)
            assert near == (way in ways), way


def test_roofline_and_growth(tmp_path: Path) -> None:
    speed.draw_roofline(tmp_path / "roofline.png", LAYERS, ABOUT)
    speed.draw_growth(tmp_path / "growth.png", GROWTH)
    assert looked_at(tmp_path / "roofline.png").shape != looked_at(tmp_path / "growth.png").shape


def test_a_way_that_was_too_quick_to_measure_is_left_out(tmp_path: Path) -> None:
    """Backward input is a difference of two times: by chance it may come out below 0, which has no logarithm."""
    speed.draw_roofline(tmp_path / "roofline.png", LAYERS, ABOUT)
    speed.draw_roofline(tmp_path / "one more.png", [*LAYERS, {**LAYERS[0], "FLOP/byte": 900.0, "GFLOP/s": -3.0}], ABOUT)
    np.testing.assert_array_equal(looked_at(tmp_path / "one more.png"), looked_at(tmp_path / "roofline.png"))
