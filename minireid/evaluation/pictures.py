"""The pictures of a run: curves, ranked galleries, filters, a clip."""

from pathlib import Path
from typing import Any

import numpy as np

from minireid.base.files import make_folder
from minireid.base.trees import leaves
from minireid.data import clips
from minireid.data.prepared import Prepared, Track
from minireid.evaluation import ranking
from minireid.evaluation.comparison import Comparison
from minireid.evaluation.measure import curves
from minireid.plots import clip_strip, cmc_curve, distances, filters, gallery, learning_curves
from minireid.training.run import Run


def draw(
    run: Run, compared: Comparison, scores: dict[str, np.ndarray], log: list[dict[str, Any]], folder: Path
) -> list[tuple[str, str, Path]]:
    """Every picture of a run, as (title, what it shows, file) for the report."""
    make_folder(folder)
    prepared, who = run.prepared(), (compared.probe_persons, compared.gallery_persons)
    cmc_curve.draw(folder / "cmc.png", curves(compared, scores))
    score = scores[run.recipe.network.name]
    draw_gallery(folder / "gallery.png", prepared, compared, score)
    mine, others = ranking.matches_and_impostors(score, *who, compared.allowed)
    what = "minus the similarity" if run.recipe.losses.together == "similarity" else "distance"
    distances.draw(folder / "distances.png", -score[mine], -score[others], what=what)
    learning_curves.draw(folder / "learning_curves.png", log)
    W = next(array for _, array in leaves(run.best().params["network"]) if array.ndim == 4)
    filters.draw(folder / "filters.png", W)
    frames, _ = clips.read(prepared, [compared.probe[0]])
    first = track_at(prepared, compared.probe[0])
    title = first.name or f"person {first.person}, camera {first.camera}"
    clip_strip.draw(folder / "clip.png", frames[0], title=title, flow_scale=prepared.index.flow_scale)
    return [
        ("CMC", "The share of probes whose person is among the first k of the ranked gallery.", folder / "cmc.png"),
        ("Ranked galleries", "A probe, then its gallery, most alike first.", folder / "gallery.png"),
        ("Distances", "Pairs of clips of the same person and of different persons.", folder / "distances.png"),
        ("Learning curves", "The losses and mean distances, step by step.", folder / "learning_curves.png"),
        ("First layer", "The filters that see the frames, a row for each channel.", folder / "filters.png"),
        ("A clip", "Frames of one track, and their optical flow where there is any.", folder / "clip.png"),
    ]


def draw_gallery(path: Path, prepared: Prepared, compared: Comparison, score: np.ndarray) -> None:
    """Six probes, from the best rank to the worst, each with the first ten of its gallery."""
    who = (compared.probe_persons, compared.gallery_persons)
    found = ranking.rank_of_match(score, *who, allowed=compared.allowed)
    shown = gallery.spread(found, 6)
    allowed = None if compared.allowed is None else compared.allowed[shown]
    order = ranking.order(score[shown], who[0][shown], who[1], allowed=allowed)[:, :10]
    order = order[:, : int((order >= 0).sum(axis=1).min())]
    gallery.draw(
        path,
        np.stack([clips.middle_frame(prepared, compared.probe[n]) for n in shown]),
        np.stack([[clips.middle_frame(prepared, compared.gallery[g]) for g in line] for line in order]),
        -np.take_along_axis(score[shown], order, axis=1),
        right=compared.gallery_persons[order] == compared.probe_persons[shown][:, None],
        probe_names=[
            track_at(prepared, compared.probe[n]).name or f"person {compared.probe_persons[n]}" for n in shown
        ],
        ranks=found[shown],
    )


def track_at(prepared: Prepared, clip: clips.Clip) -> Track:
    """The track that a clip was cut from."""
    return next(track for track in prepared.tracks if track.start <= clip.start < track.start + track.length)
