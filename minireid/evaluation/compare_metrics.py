"""`minireid metric`: metric learning on the embeddings of trained runs, side by side.

The test persons' probes and galleries of every run are embedded as in `minireid evaluate`, with one vector for each
track. They are compared by the Euclidean distance, and by metrics that are fitted to
    (i)  the persons whom the network was trained on;
    (ii) the persons withheld from that training (recipe key validation.persons), if there are any.
For a network that describes every frame (deep_rcn), Fisher vectors are compared too. Their mixture is fitted to the
same persons.

Nothing is fitted to test persons, and nothing is chosen by them. Two scores are re-ranked: the Euclidean distance, and
the metric with the best mAP on withheld persons. To choose it, the withheld persons are divided into FOLDS parts. Each
part is ranked by the metrics of (i), and by metrics fitted to the other parts.

    FOLDER/results.json, results.csv   the rows, as of `minireid evaluate`
    FOLDER/metrics.json                mAP minus that of the Euclidean distance, paired; mean distances of each group
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minireid import networks
from minireid.base.errors import InputError
from minireid.base.files import make_folder, write_text
from minireid.data.prepared import Prepared
from minireid.evaluation import fisher, fitting, ranking, results
from minireid.evaluation.comparison import Comparison, comparison
from minireid.evaluation.fitting import Samples
from minireid.evaluation.measure import check_together, row
from minireid.metric import pca
from minireid.metric.rerank import rerank
from minireid.networks import euclidean
from minireid.training import batches
from minireid.training.run import Run, open_run

EUCLIDEAN = "Euclidean"
FOLDS = 5
TRAINING, WITHHELD = "training persons", "withheld persons"
DISTANCES = ("within a person", "between two")
Score = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Embedded(NamedTuple):
    """One run: what is compared, the embeddings of probes (P, D) and gallery (G, D), and the samples for fitting."""

    run: Run
    prepared: Prepared
    compared: Comparison
    probe: np.ndarray
    gallery: np.ndarray
    samples: dict[str, Samples]  # TRAINING, and WITHHELD if there are such persons
    fisher: dict[str, np.ndarray]  # Fisher vectors (P + G, K) by the same groups; {} without frame descriptors


def compare_metrics(paths: list[Path], out: Path) -> str:
    """Embed, fit, compare; save the tables. Returns them as text."""
    runs = [open_run(path) for path in paths]
    check(runs, out)
    embedded = [embed(run) for run in runs]
    chosen = choose(embedded)
    scores = [scores_of(one, fit(one), chosen) for one in embedded]
    rows = [
        row(one.run, one.prepared, one.compared, method, score, trained=True)
        for one, of_run in zip(embedded, scores)
        for method, score in of_run.items()
    ]
    content = {
        "re-ranked": chosen,
        "mAP minus Euclidean": differences(embedded, scores),
        "spreads": [{"run": str(one.run.path), **spreads(one)} for one in embedded],
    }
    make_folder(out)
    results.save(out, rows)
    write_text(out / "metrics.json", json.dumps(content, indent=1) + "\n")
    texts = [results.caption(rows), results.table(rows), describe(content, len(runs))]
    return "\n" + "\n\n".join([*texts, f"wrote {out}/results.json, results.csv, metrics.json"])


def check(runs: list[Run], out: Path) -> None:
    """InputError for runs that cannot be in one table."""
    check_together(runs, out)
    for run in runs[1:]:
        if bool(run.validation) != bool(runs[0].validation):
            raise InputError(
                f"{run.path} and {runs[0].path}: only one has withheld persons (validation.persons): "
                "compare them separately"
            )


def embed(run: Run) -> Embedded:
    """Embed what a run compares, and the samples of each group of persons."""
    prepared, params = run.prepared(), run.best().params
    batches.check_fits(run.recipe, prepared)
    compared = comparison(run.recipe, prepared, run.test)
    P = len(compared.probe)
    clips = compared.probe + compared.gallery
    read = (run.recipe, params, prepared)
    x = fitting.embed(*read, clips, progress=True)
    who = {TRAINING: run.train, **({WITHHELD: run.validation} if run.validation else {})}
    samples = {name: fitting.samples_of(*read, persons, progress=True) for name, persons in who.items()}
    vectors = {}
    if fisher.can_describe(networks.page(run.recipe.network.name)):
        sets = fisher.describe(*read, clips, progress=True)
        for name, persons in who.items():
            vectors[name] = fisher.encode(sets, fisher.fit_to(*read, persons, progress=True))
    return Embedded(run, prepared, compared, x[:P], x[P:], samples, vectors)


def fit(one: Embedded) -> dict[str, pca.Metric]:
    """{"KISSME, training persons": metric, ...}: every metric, fitted to every group."""
    return {
        f"{name}, {who}": metric
        for who, samples in one.samples.items()
        for name, metric in fitting.fit_all(samples).items()
    }


def scores_of(one: Embedded, fitted: dict[str, pca.Metric], chosen: str | None) -> dict[str, np.ndarray]:
    """{method: (P, G)}: the Euclidean distance, the metrics, Fisher vectors; re-ranked, Euclidean and `chosen`."""
    a, b = one.probe, one.gallery
    by: dict[str, Score] = {EUCLIDEAN: euclidean.score}
    by.update({name: partial(pca.score, metric=metric) for name, metric in fitted.items()})
    found = {name: score(a, b) for name, score in by.items()}
    for who, vectors in one.fisher.items():
        found[f"Fisher vectors, {who}"] = euclidean.score(vectors[: len(a)], vectors[len(a) :])
    for name in (EUCLIDEAN, chosen):
        if name:
            found[f"{name}, re-ranked"] = rerank(by[name](a, b), by[name](a, a), by[name](b, b))
    return found


def choose(embedded: list[Embedded]) -> str | None:
    """The method with the best mAP on withheld persons, the mean over all runs; None if a fold has fewer than 2."""
    found: dict[str, list[float]] = {}
    for one in embedded:
        for name, mAP in mAP_on_withheld(one).items():
            found.setdefault(name, []).append(mAP)
    return max(found, key=lambda name: float(np.mean(found[name]))) if found else None


def mAP_on_withheld(one: Embedded) -> dict[str, float]:
    """{method: mAP}, the mean over the folds of the withheld persons; {} if a fold has fewer than two."""
    if len(one.run.validation) < 2 * FOLDS:
        return {}
    samples = one.samples[WITHHELD]
    found: dict[str, list[float]] = {}
    order = np.random.default_rng(0).permutation(one.run.validation)
    of_training = fitting.fit_all(one.samples[TRAINING])
    for fold in range(FOLDS):
        in_fold = np.isin(samples.persons, order[fold::FOLDS])
        others, held_out = (Samples(*(column[some] for column in samples)) for some in (~in_fold, in_fold))
        for who, metrics in ((TRAINING, of_training), (WITHHELD, fitting.fit_all(others))):
            for name, metric in metrics.items():
                found.setdefault(f"{name}, {who}", []).append(across_cameras(held_out, metric))
    return {name: float(np.mean(values)) for name, values in found.items()}


def across_cameras(samples: Samples, metric: pca.Metric) -> float:
    """mAP: the probes are the clips of the first camera, the gallery is the clips of all others."""
    probe = samples.cameras == min(samples.cameras)
    score = pca.score(samples.x[probe], samples.x[~probe], metric)
    return ranking.mean_average_precision(score, samples.persons[probe], samples.persons[~probe])


def differences(embedded: list[Embedded], scores: list[dict[str, np.ndarray]]) -> dict[str, dict[str, float]]:
    """{method: {"mean", "standard error"}} of AP minus the Euclidean distance's AP.

    Each probe gives one difference. One run: mean and error over its probes. Several runs: over the runs' means.
    """
    found = {}
    for method in scores[0]:
        pairs = [
            average_precisions(one.compared, of_run[method]) - average_precisions(one.compared, of_run[EUCLIDEAN])
            for one, of_run in zip(embedded, scores)
        ]
        values = np.array([pair.mean() for pair in pairs]) if len(pairs) > 1 else pairs[0]
        error = values.std(ddof=1) / np.sqrt(len(values))
        found[method] = {"mean": float(values.mean()), "standard error": float(error)}
    return found


def average_precisions(compared: Comparison, score: np.ndarray) -> np.ndarray:
    """AP of every probe: (P,)."""
    who = (compared.probe_persons, compared.gallery_persons)
    return ranking.average_precisions(score, *who, allowed=compared.allowed)


def spreads(one: Embedded) -> dict[str, dict[str, float]]:
    """{group of persons: mean distances across the cameras} of clips; for test persons, of tracks."""
    P, G = one.compared.probe_persons, one.compared.gallery_persons
    test = Samples(
        np.concatenate([one.probe, one.gallery]), np.concatenate([P, G]), np.repeat(["a", "b"], [len(P), len(G)])
    )
    found = {}
    for who, (x, persons, cameras) in {**one.samples, "test persons": test}.items():
        distance = -euclidean.score(x, x)
        same, across = persons[:, None] == persons, cameras[:, None] != cameras
        within, between = float(distance[same & across].mean()), float(distance[~same & across].mean())
        found[who] = dict(zip(DISTANCES, (within, between)))
    return found


def describe(content: dict[str, Any], runs: int) -> str:
    """The paired differences and the spreads, as text."""
    lines = [f"mAP minus the Euclidean distance's, paired over the {'probes' if runs == 1 else 'runs'}:"]
    for method, of in content["mAP minus Euclidean"].items():
        if method != EUCLIDEAN:
            lines.append(f"  {100 * of['mean']:+5.1f} ± {100 * of['standard error']:.1f}  {method}")
    lines.append("\nmean distance across the cameras, within a person : between two")
    for who in list(content["spreads"][0])[1:]:
        within, between = (float(np.mean([of[who][key] for of in content["spreads"]])) for key in DISTANCES)
        lines.append(f"  {within:.3f} : {between:.3f} = {within / between:.2f}  {who}")
    chosen = content["re-ranked"]
    none = "no metric: there are too few withheld persons to choose one by (validation.persons)"
    known = f"{chosen}: the best on withheld persons"
    return "\n".join([*lines, f"\nre-ranked beside the Euclidean distance: {known if chosen else none}"])
