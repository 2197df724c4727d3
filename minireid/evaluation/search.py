"""Rank the tracks of a gallery for every probe track, by a trained network: a table and a picture."""

from pathlib import Path

import numpy as np

from minireid.base.files import check_target
from minireid.data import clips
from minireid.data.prepared import Prepared, Track
from minireid.evaluation import embedding
from minireid.evaluation.folder import embed_folder
from minireid.plots import gallery as gallery_plot
from minireid.training import batches
from minireid.training.run import Run

SHOWN = 8  # probes in the picture; the table has all


def search(run: Run, probe: Prepared, gallery: Prepared, *, top: int, picture: Path) -> str:
    """Rank all tracks of `gallery` for every track of `probe`. Returns the table as text and writes the picture."""
    check_target(picture, ".png")
    for prepared in (probe, gallery):
        batches.check_fits(run.recipe, prepared)
    score = embedding.score(run.recipe, run.best().params, embed_folder(run, probe), embed_folder(run, gallery))
    order = np.argsort(-score, axis=1, kind="stable")[:, :top]
    shown = slice(0, SHOWN)
    few = order[shown, :10]
    gallery_plot.draw(
        picture,
        np.stack([clips.middle_frame(probe, track) for track in probe.tracks[shown]]),
        np.stack([[clips.middle_frame(gallery, gallery.tracks[g]) for g in line] for line in few.tolist()]),
        -np.take_along_axis(score[shown], few, axis=1),
        right=None,
        probe_names=[name(track) for track in probe.tracks[shown]],
        ranked_names=[[name(gallery.tracks[g]) for g in line] for line in few.tolist()],
    )
    return "\n".join(
        f"{name(track):<12} -> "
        + ", ".join(f"{name(gallery.tracks[g])} ({-score[n, g]:.2f})" for g in order[n].tolist())
        for n, track in enumerate(probe.tracks)
    )


def name(track: Track) -> str:
    return track.name or f"{track.camera}/{track.person}"
