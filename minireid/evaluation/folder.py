"""A trained network on new clips: embeddings of a whole prepared folder."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from minireid.base.files import check_target, write_bytes
from minireid.data import clips
from minireid.data.prepared import Prepared
from minireid.evaluation import embedding
from minireid.training import batches
from minireid.training.run import Run


def embed_folder(run: Run, prepared: Prepared, *, progress: bool = True) -> np.ndarray:
    """Every track of a prepared folder -> (V, tracks, D) float32, V views of each."""
    batches.check_fits(run.recipe, prepared)
    run.check_frame(prepared)
    whole = [clips.first_clip(track, None) for track in prepared.tracks]
    return embedding.embed_clips(run.recipe, run.best().params, prepared, whole, progress=progress)


def save_embeddings(path: Path, embeddings: np.ndarray, prepared: Prepared) -> None:
    """An .npz file: embeddings (V, tracks, D), and the index: person, camera, start, length of every track."""
    check_target(path, ".npz")
    columns: dict[str, Any] = {
        key: np.array([getattr(t, key) for t in prepared.tracks]) for key in ("person", "camera", "start", "length")
    }
    content = io.BytesIO()
    np.savez(content, embeddings=embeddings, **columns)
    write_bytes(path, content.getvalue())
