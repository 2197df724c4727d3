"""`minireid evaluate`: runs to a table with the plain baselines beside them, pictures, and a report."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minireid.data import clips
from minireid.data.prepared import Prepared, Track
from minireid.errors import InputError
from minireid.evaluation import baselines, embedding, ranking, results
from minireid.evaluation.comparison import Comparison, comparison, network_scores
from minireid.plots import clip_strip, cmc_curve, distances, filters, gallery, learning_curves
from minireid.plots.report import report
from minireid.recipe import parse, to_toml
from minireid.training import batches
from minireid.training.run import Run, open_run
from minireid.trees import leaves


def evaluate_runs(paths: list[Path], out: Path, changes: tuple[str, ...] = ()) -> list[results.Row]:
    """Evaluate every run on its own split's test persons; print and save the tables; pictures are of the first run.

    changes: of the recipe's evaluation, such as "evaluation.frames=16". The run keeps its own.
    """
    runs = [evaluated_otherwise(open_run(path), changes) for path in paths]
    check_together(runs, out)
    log = read_log(runs[0].path / "log.jsonl")
    measured = [measure(run) for run in runs]
    rows = [row for found, _, _ in measured for row in found]
    out.mkdir(parents=True, exist_ok=True)
    results.save(out, rows)
    print("\n" + results.caption(rows))
    if len(runs) > 1:
        print("\n" + results.table_of_splits(rows))
    print("\n" + results.table(rows))
    _, compared, scores = measured[0]
    pictures = draw(runs[0], compared, scores, log, out / "pictures")
    report(
        out / "report.html",
        title=f"{runs[0].recipe.network.name} on {runs[0].prepared().index['dataset']}",
        caption=results.caption(rows),
        rows=results.cells(rows),
        pictures=pictures,
        recipe_text=to_toml(runs[0].recipe),
    )
    print(f"\nwrote {out}/report.html, results.json, results.csv")
    return rows


def check_together(runs: list[Run], out: Path) -> None:
    """InputError, before anything is computed, for runs that do not belong into one table, or no place to save it."""
    first, *others = runs
    for run in others:
        if run.recipe.evaluation != first.recipe.evaluation:
            raise InputError(f"{run.path} and {first.path} are evaluated in different ways: evaluate them apart")
        if run.split != first.split:
            raise InputError(
                f"{run.path} is of the protocol {run.split}, {first.path} of {first.split}: evaluate them apart"
            )
    if out.exists() and not out.is_dir():
        raise InputError(f"expected --out to be a folder, {out} is a file")


def evaluated_otherwise(run: Run, changes: tuple[str, ...]) -> Run:
    """The run with another evaluation. InputError for a change of anything else, or of the persons it tests."""
    for change in changes:
        if not change.strip().startswith("evaluation.") or change.strip().startswith("evaluation.protocol"):
            raise InputError(f"expected --set evaluation.KEY=VALUE of a trained run, but no protocol, got {change!r}")
    return replace(run, recipe=parse(to_toml(run.recipe), str(run.path / "recipe.toml"), changes))


def measure(run: Run, *, progress: bool = True) -> tuple[list[results.Row], Comparison, dict[str, np.ndarray]]:
    """The rows of one run (the network, then the baselines), its clips, and the scores (P, G) of each method."""
    prepared = run.prepared()
    batches.check_fits(run.recipe, prepared)
    compared = comparison(run.recipe, prepared, run.test)
    network = network_scores(run.recipe, run.best().params, prepared, compared, progress=progress)
    scores = {run.recipe.network.name: network, **baselines.scores(prepared, compared.probe, compared.gallery)}
    rows = [
        row(run, prepared, compared, method, score, trained=n == 0) for n, (method, score) in enumerate(scores.items())
    ]
    cmc, mAP = baselines.chance(compared.probe_persons, compared.gallery_persons, allowed=compared.allowed)
    return [*rows, facts(run, prepared, compared, "chance", cmc, mAP, trained=False)], compared, scores


def row(
    run: Run, prepared: Prepared, compared: Comparison, method: str, score: np.ndarray, *, trained: bool
) -> results.Row:
    who = (score, compared.probe_persons, compared.gallery_persons)
    cmc = ranking.cmc(*who, allowed=compared.allowed)
    mAP = ranking.mean_average_precision(*who, allowed=compared.allowed)
    return facts(run, prepared, compared, method, cmc, mAP, trained=trained)


def facts(
    run: Run, prepared: Prepared, compared: Comparison, method: str, cmc: np.ndarray, mAP: float, *, trained: bool
) -> results.Row:
    """One row of the table: the protocol and the numbers."""
    recipe = run.recipe
    filtered = "" if prepared.one_to_one else results.FILTERED
    narrowed = " within groups" if recipe.evaluation.within_groups else ""
    shuffled = results.SHUFFLED if recipe.evaluation.shuffle else ""
    return {
        "method": method,
        "dataset": prepared.index["dataset"],
        "protocol": run.split + filtered + narrowed + shuffled,
        "split": run.number,
        "seed": recipe.training.seed if trained else None,
        "clip length": recipe.clips.length if trained else None,
        "frames": recipe.evaluation.frames,
        "views": len(embedding.views_of(recipe, prepared)) if trained else None,
        "probes": len(compared.probe),
        "gallery": most_compared(compared),
        **dict(zip((f"rank-{k}" for k in ranking.RANKS), map(float, cmc))),
        "mAP": mAP,
    }


def most_compared(compared: Comparison) -> int:
    """How many gallery entries a probe is ranked against, at most."""
    return len(compared.gallery) if compared.allowed is None else int(compared.allowed.sum(axis=1).max())


def curves(compared: Comparison, scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """{method: its CMC curve, as far as a picture shows it}, shares from 0 to 1."""
    who = (compared.probe_persons, compared.gallery_persons)
    ranks = range(1, min(len(compared.gallery), cmc_curve.LAST_RANK) + 1)
    return {method: ranking.cmc(score, *who, ranks=ranks, allowed=compared.allowed) for method, score in scores.items()}


def draw(
    run: Run, compared: Comparison, scores: dict[str, np.ndarray], log: list[dict[str, Any]], folder: Path
) -> list[tuple[str, str, Path]]:
    """Every picture of a run, as (title, what it shows, file) for the report."""
    folder.mkdir(parents=True, exist_ok=True)
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
    clip_strip.draw(folder / "clip.png", frames[0], title=title, flow_scale=prepared.index["flow_scale"])
    return [
        ("CMC", "The share of probes whose person is among the first k of the ranked gallery.", folder / "cmc.png"),
        ("Ranked galleries", "A probe, then its gallery, most alike first.", folder / "gallery.png"),
        ("Distances", "Pairs of clips of the same person and of different persons.", folder / "distances.png"),
        ("Learning curves", "The losses and mean distances, step by step.", folder / "learning_curves.png"),
        ("First layer", "The filters that see the frames, a row for each channel.", folder / "filters.png"),
        ("A clip", "Frames of one track, and their optical flow where there is any.", folder / "clip.png"),
    ]


def draw_gallery(path: Path, prepared: Prepared, compared: Comparison, score: np.ndarray) -> None:
    """Six probes from the best found to the worst, with the top ten of each one's gallery."""
    who = (compared.probe_persons, compared.gallery_persons)
    order = ranking.order(score, *who, allowed=compared.allowed)[:, :10]
    found = ranking.rank_of_match(score, *who, allowed=compared.allowed)
    shown = gallery.spread(found, 6)
    K = int((order[shown] >= 0).sum(axis=1).min())
    order = order[shown, :K]
    gallery.draw(
        path,
        np.stack([middle_frame(prepared, compared.probe[n]) for n in shown]),
        np.stack([[middle_frame(prepared, compared.gallery[g]) for g in line] for line in order]),
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


def middle_frame(prepared: Prepared, clip: clips.Clip) -> np.ndarray:
    return prepared.frames[clip.start + clip.length // 2]


def read_log(path: Path) -> list[dict[str, Any]]:
    """The log's records. InputError where it is missing, empty or damaged."""
    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        records = []
    except (OSError, ValueError) as fault:
        raise InputError(f"{path} is damaged ({fault}): take the broken line out, or train again") from None
    if not records:
        raise InputError(f"expected the log of a training run at {path}, found none: train first")
    return records
