"""One run measured on its test persons: rows of the table, for the network and for the plain baselines."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minireid.base.errors import InputError
from minireid.base.files import check_folder
from minireid.data.prepared import Prepared
from minireid.evaluation import baselines, embedding, ranking, results
from minireid.evaluation.comparison import Comparison, comparison, network_scores
from minireid.plots import cmc_curve
from minireid.recipes.recipe import parse
from minireid.recipes.text import to_toml
from minireid.training import batches
from minireid.training.run import Run


class Measured(NamedTuple):
    """rows: the network's first, then the baselines'; scores: (P, G) of each method."""

    rows: list[results.Row]
    compared: Comparison
    scores: dict[str, np.ndarray]


def check_together(runs: list[Run], out: Path) -> None:
    """Before anything is computed: InputError for runs that cannot be in one table, or if `out` cannot be a folder."""
    first, *others = runs
    for run in others:
        if run.recipe.evaluation != first.recipe.evaluation:
            raise InputError(f"{run.path} and {first.path} are evaluated in different ways: evaluate them separately")
        if run.split != first.split:
            raise InputError(
                f"{run.path} has protocol {run.split}, {first.path} has {first.split}: evaluate them separately"
            )
    check_folder(out)


def evaluated_otherwise(run: Run, changes: tuple[str, ...]) -> Run:
    """The run with a changed evaluation. InputError for a change of anything else, or of the protocol."""
    for change in changes:
        if not change.strip().startswith("evaluation.") or change.strip().startswith("evaluation.protocol"):
            raise InputError(f"expected --set evaluation.KEY=VALUE (not the protocol) of a trained run, got {change!r}")
    return replace(run, recipe=parse(to_toml(run.recipe), str(run.path / "recipe.toml"), changes))


def measure(run: Run, *, progress: bool = True) -> Measured:
    """Evaluate a run and the baselines on the run's test persons."""
    prepared = run.prepared()
    batches.check_fits(run.recipe, prepared)
    compared = comparison(run.recipe, prepared, run.test)
    network = network_scores(run.recipe, run.best().params, prepared, compared, progress=progress)
    scores = {run.recipe.network.name: network, **baselines.scores(prepared, compared.probe, compared.gallery)}
    rows = [
        row(run, prepared, compared, method, score, trained=n == 0) for n, (method, score) in enumerate(scores.items())
    ]
    cmc, mAP = baselines.chance(compared.probe_persons, compared.gallery_persons, allowed=compared.allowed)
    rows.append(described(run, prepared, compared, "chance", cmc, mAP, trained=False))
    return Measured(rows, compared, scores)


def row(
    run: Run, prepared: Prepared, compared: Comparison, method: str, score: np.ndarray, *, trained: bool
) -> results.Row:
    """One row of the table from the scores (P, G) of a method."""
    who = (score, compared.probe_persons, compared.gallery_persons)
    cmc = ranking.cmc(*who, allowed=compared.allowed)
    mAP = ranking.mean_average_precision(*who, allowed=compared.allowed)
    return described(run, prepared, compared, method, cmc, mAP, trained=trained)


def described(
    run: Run, prepared: Prepared, compared: Comparison, method: str, cmc: np.ndarray, mAP: float, *, trained: bool
) -> results.Row:
    """One row of the table: the protocol and the numbers."""
    recipe = run.recipe
    filtered = "" if prepared.one_to_one else results.FILTERED
    narrowed = " within groups" if recipe.evaluation.within_groups else ""
    shuffled = results.SHUFFLED if recipe.evaluation.shuffle else ""
    return {
        "method": method,
        "dataset": prepared.index.dataset,
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
    """{method: its CMC curve, up to the last rank of the picture}, shares from 0 to 1."""
    who = (compared.probe_persons, compared.gallery_persons)
    ranks = range(1, min(len(compared.gallery), cmc_curve.LAST_RANK) + 1)
    return {method: ranking.cmc(score, *who, ranks=ranks, allowed=compared.allowed) for method, score in scores.items()}
