"""Evaluate runs: a table that includes the plain baselines, pictures, and a report."""

from collections.abc import Callable
from pathlib import Path

from minireid.base.files import make_folder, write_text
from minireid.base.locks import alone_in
from minireid.evaluation import pictures, results
from minireid.evaluation.measure import check_together, evaluated_otherwise, measure
from minireid.plots.report import report
from minireid.recipes.text import to_toml
from minireid.training import log
from minireid.training.run import Run, open_run

NETWORK = "network.html"


def evaluate_runs(
    paths: list[Path], out: Path, changes: tuple[str, ...] = (), network_page: Callable[[str], str] | None = None
) -> str:
    """Evaluate every run on its own split's test persons and save tables, pictures (of the first run) and report.

    changes: of the recipe's evaluation, such as "evaluation.frames=16"; they are not saved in the run.
    network_page: (name of a network) -> HTML; the report links this page of the first run's network, written beside it.
    Returns the tables as text.
    """
    runs = [evaluated_otherwise(open_run(path), changes) for path in paths]
    check_together(runs, out)
    history = log.read(runs[0].path / "log.jsonl", runs[0].load())
    measured = [measure(run) for run in runs]
    rows = [row for found in measured for row in found.rows]
    caption = " ".join([results.caption(rows), *filter(None, map(unfinished, runs))])
    network = runs[0].recipe.network.name
    page = network_page(network) if network_page else ""
    with alone_in(make_folder(out), "minireid evaluate"):
        results.save(out, rows)
        report(
            out / "report.html",
            title=f"{network} on {runs[0].prepared().index.dataset}",
            caption=caption,
            rows=results.cells(rows),
            pictures=pictures.draw(runs[0], measured[0].compared, measured[0].scores, history, out / "pictures"),
            recipe_text=to_toml(runs[0].recipe),
            network_page=NETWORK if page else "",
        )
        if page:
            write_text(out / NETWORK, page)
    written = ", ".join(["report.html", *([NETWORK] if page else []), "results.json", "results.csv"])
    texts = [caption, results.table(rows), f"wrote {out}/{written}"]
    if len(runs) > 1:
        texts.insert(1, results.table_of_splits(rows))
    return "\n" + "\n\n".join(texts)


def unfinished(run: Run) -> str:
    """A sentence about a run that was stopped; empty for a finished one."""
    step = run.load().step
    return f"{run.path.name} is not finished: step {step} of {run.steps}." if step < run.steps else ""
