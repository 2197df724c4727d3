"""A tiny dataset in PRID-2011's layout, drawn with Pillow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeRaw = Callable[..., Path]


def draw(path: Path, rng: np.random.Generator, height: int = 32, width: int = 16) -> None:
    """A random, smooth picture, different from every other one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8))
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(path)


@pytest.fixture
def make_raw(tmp_path: Path) -> MakeRaw:
    """make(lengths, suffix): {(camera, person): frames} -> the folder; files are created in a shuffled order."""

    def make(lengths: dict[tuple[str, int], int] | None = None, suffix: str = "png", name: str = "raw") -> Path:
        rng = np.random.default_rng(7)
        lengths = lengths or {("a", 1): 4, ("a", 2): 3, ("a", 3): 2, ("b", 1): 5, ("b", 2): 12}
        tracks = [f"cam_{camera}/person_{person:04d}" for camera, person in lengths]
        files = [f"{track}/{t:04d}.{suffix}" for track, n in zip(tracks, lengths.values()) for t in range(1, n + 1)]
        for file in rng.permutation(files):
            draw(tmp_path / name / "multi_shot" / file, rng)
        return tmp_path / name

    return make
