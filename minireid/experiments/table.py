"""`minireid table`: one line for each row of a sweep, from its finished trials. Markdown, CSV and CMC curves.

table.md     a table for each protocol, with the protocol in its caption
table.csv    the same lines with all digits, shares from 0 to 1
cmc.png      the mean CMC curves; cmc_2.png for the second protocol, and so on

A number is the mean over the row's trials, ± their standard deviation (n - 1 in the denominator). The baselines are the
same for every seed, so they have one number per split. All trials of one table were measured on the same prepared
folder, by the same protocol or split file. Clip length, frames, views and order of the frames may differ between rows.
If they do, the table has a column for them.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minireid.base.errors import InputError
from minireid.base.files import check_folder, make_folder, write_text
from minireid.evaluation import results
from minireid.evaluation.ranking import RANKS
from minireid.experiments.cost import flops_per_frame
from minireid.experiments.folder import Sweep, open_sweep
from minireid.experiments.rows import Row
from minireid.experiments.trial import costs_of
from minireid.plots import cmc_curve

COSTS = ("seconds per epoch", "parameters", "FLOPs per frame")
MAY_DIFFER = ("clip length", "frames", "views", "order")


class Group(NamedTuple):
    """What all rows of a table share. protocol: its name, or the split file's, and whether it is within groups."""

    prepared_sha256: str
    splits_sha256: str | None
    protocol: str


class Measured(NamedTuple):
    """One trial's numbers for one method, and its CMC curve (chance has none)."""

    row: results.Row
    curve: list[float] | None


@dataclass(frozen=True)
class Line:
    """A method and its measurements: one per trial of a row, or one per split of a baseline. order: of the frames."""

    name: str
    order: str
    paper: list[float]
    measured: list[Measured]
    costs: list[dict[str, Any]]

    def condition(self, key: str) -> Any:
        """Clip length, frames, views or order. All measurements share it."""
        return self.order if key == "order" else self.measured[0].row[key]


@dataclass(frozen=True)
class Table:
    """The lines of one group's rows and of its baselines. missing: the trials that are not finished."""

    protocol: str
    lines: list[Line]
    baselines: list[Line]
    trials: int
    missing: list[str]


def table(paths: Sequence[Path], out: Path) -> str:
    """Write table.md, table.csv and the curves of these sweeps into `out`. Returns the tables as text.

    InputError if a path is no sweep, if no trial is finished, or if two rows of a table have the same name.
    """
    check_folder(out)
    sweeps = [open_sweep(path) for path in paths]
    tables = [found for found in gather(sweeps) if found.lines]
    if not tables:
        raise InputError(f"no trial of {', '.join(map(str, paths))} is finished: run minireid sweep first")
    texts = [f"{caption(found)}\n\n{markdown(cells(found))}" for found in tables]
    make_folder(out)
    write_text(out / "table.md", "\n\n".join([f"# {sweeps[0].title or 'Results'}", *texts]) + "\n")
    write_text(out / "table.csv", as_csv(tables))
    for n, found in enumerate(tables, 1):
        cmc_curve.draw(out / (f"cmc_{n}.png" if n > 1 else "cmc.png"), mean_curves(found))
    return "\n" + "\n\n".join(texts) + f"\n\nwrote {out}/table.md, table.csv, cmc.png"


def gather(sweeps: Sequence[Sweep]) -> list[Table]:
    """A table for each group, in the order of their first rows."""
    found: dict[Group, Table] = {}
    for sweep in sweeps:
        for row in sweep.rows:
            group = group_of(sweep, row)
            old = found.get(group, Table(group.protocol, [], [], 0, []))
            found[group] = with_row(old, sweep, row)
    return list(found.values())


def group_of(sweep: Sweep, row: Row) -> Group:
    protocol = sweep.splits_file.name if sweep.splits_file else row.recipe.evaluation.protocol
    narrowed = " within groups" if row.recipe.evaluation.within_groups else ""
    return Group(sweep.prepared_sha256, sweep.splits_sha256, protocol + narrowed)


def with_row(old: Table, sweep: Sweep, row: Row) -> Table:
    """The table with the finished trials of one more row, and with the baselines in their results."""
    mine = [trial for trial in sweep.trials() if trial.row == row.folder]
    done = [trial for trial in mine if sweep.finished(trial)]
    missing = [f"{row.name} split {t.split} seed {t.seed}" for t in mine if not sweep.finished(t)]
    flops = flops_per_frame(row.recipe) if done else None
    measured: list[Measured] = []
    costs: list[dict[str, Any]] = []
    beside = {(line.name, line.condition("frames")): line for line in old.baselines}
    for one in done:
        costs.append({**costs_of(sweep, one), "FLOPs per frame": flops})
        first, *others = [
            Measured(
                {**found, "protocol": found["protocol"].removesuffix(results.SHUFFLED)},
                costs[-1]["curves"].get(found["method"]),
            )
            for found in results.load(sweep.home(one) / "results.json")
        ]
        measured.append(first)
        for other in others:  # baselines are the same for every row and seed
            line = beside.setdefault(
                (other.row["method"], other.row["frames"]), Line(other.row["method"], "", [], [], [])
            )
            if other.row["split"] not in [known.row["split"] for known in line.measured]:
                line.measured.append(other)
    lines = old.lines
    if measured:
        if any(line.name == row.name for line in lines):
            raise InputError(
                f"two rows are called {row.name} under protocol {old.protocol}: make a table of each sweep"
            )
        order = "shuffled" if row.recipe.evaluation.shuffle else "as filmed"
        paper = row.paper.get(f"{first.row['dataset']}/{old.protocol}", row.paper.get(first.row["dataset"], []))
        lines = [*lines, Line(row.name, order, paper, measured, costs)]
    return Table(old.protocol, lines, list(beside.values()), old.trials + len(mine), old.missing + missing)


def caption(found: Table) -> str:
    """The protocol of all lines, the meaning of ± and of the paper's numbers, and which trials are missing."""
    lines = [*found.lines, *found.baselines]
    rows = [measured.row for line in lines for measured in line.measured]
    frames = {row["frames"] for row in rows}
    shared = [{**row, "frames": row["frames"] if len(frames) == 1 else None} for row in rows]
    parts = [results.caption(shared)]
    if any(len(line.measured) > 1 for line in lines):
        parts.append("Mean ± standard deviation over the trials (baselines: over the splits), %.")
    threads = {trial["threads"] for line in found.lines for trial in line.costs}
    parts.append(f"Seconds per epoch: with {results.listed(threads)} thread{'' if threads == {1} else 's'}.")
    if any(line.paper for line in lines):
        parts.append("Paper: rank-1 / 5 / 10 / 20 as printed there.")
    if found.missing:
        named = ", ".join(found.missing[:5]) + (", ..." if len(found.missing) > 5 else "")
        parts.append(f"MISSING: {len(found.missing)} of {found.trials} trials ({named}).")
    return "\n".join(parts)


def cells(found: Table) -> list[list[str]]:
    """The table as texts, its header first. Without conditions that all rows share, and costs that no line has."""
    lines = [*found.lines, *found.baselines]
    conditions = differing(found)
    costs = [cost for cost in COSTS if any(average(line, cost) is not None for line in lines)]
    paper = any(line.paper for line in lines)
    table = [["%", *conditions, *results.MEASURES, *(["paper"] if paper else []), "trials", *costs]]
    for line in lines:
        table.append(
            [
                line.name,
                *(shown(line.condition(key)) for key in conditions),
                *(with_deviation(*mean_and_deviation(line, measure)) for measure in results.MEASURES),
                *([" / ".join(f"{v:g}" for v in line.paper)] if paper else []),
                str(len(line.measured)) if line.costs else "",
                *(shown_cost(cost, average(line, cost)) for cost in costs),
            ]
        )
    return table


def differing(found: Table) -> list[str]:
    """The conditions that are not the same in all rows. Each gets a column."""
    return [key for key in MAY_DIFFER if len({line.condition(key) for line in found.lines}) > 1]


def mean_and_deviation(line: Line, measure: str) -> tuple[float, float | None]:
    values = np.array([measured.row[measure] for measured in line.measured])
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None


def with_deviation(mean: float, deviation: float | None) -> str:
    """0.623, 0.014 -> "62.3 ± 1.4"."""
    return results.with_error(mean, deviation)


def average(line: Line, cost: str) -> float | None:
    known = [trial[cost] for trial in line.costs if trial[cost] is not None]
    return float(np.mean(known)) if known else None


def shown_cost(cost: str, value: float | None) -> str:
    """12.345 seconds -> "12.3", 397828 parameters -> "397,828", 61234567 operations -> "61.2 M"."""
    if value is None:
        return ""
    shown = {"seconds per epoch": f"{value:.3g}", "FLOPs per frame": f"{value / 1e6:,.1f} M"}
    return shown.get(cost, f"{value:,.0f}")


def shown(condition: Any) -> str:
    """A condition as text. Baselines have no clip length (empty text). 0 frames means all."""
    return "" if condition is None else "all" if condition == 0 else str(condition)


def markdown(lines: list[list[str]]) -> str:
    """Markdown, aligned so that the text itself is readable: names to the left, numbers to the right."""
    lines = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    widths = [max(3, *(len(line[k]) for line in lines)) for k in range(len(lines[0]))]
    padded = [[c.ljust(w) if k == 0 else c.rjust(w) for k, (c, w) in enumerate(zip(line, widths))] for line in lines]
    rule = ["-" * w if k == 0 else "-" * (w - 1) + ":" for k, w in enumerate(widths)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [padded[0], rule, *padded[1:]])


def as_csv(tables: Sequence[Table]) -> str:
    """Every line of every table, with all digits. Shares are from 0 to 1, the paper's too."""
    text = io.StringIO()
    measures = [name for measure in results.MEASURES for name in (measure, f"{measure} deviation")]
    papers = [f"paper rank-{k}" for k in RANKS]
    header = ["dataset", "protocol", "method", "trials", *MAY_DIFFER, *measures, *papers, *COSTS]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for found in tables:
        for line in [*found.lines, *found.baselines]:
            first = line.measured[0].row
            conditions = [line.condition(key) for key in MAY_DIFFER]
            numbers = [number for measure in results.MEASURES for number in mean_and_deviation(line, measure)]
            paper = [value / 100 for value in line.paper] if line.paper else [""] * len(papers)
            costs = [average(line, cost) for cost in COSTS]
            who = [first["dataset"], first["protocol"], line.name, len(line.measured)]
            writer.writerow([*who, *conditions, *numbers, *paper, *costs])
    return text.getvalue()


def mean_curves(found: Table) -> dict[str, np.ndarray]:
    """{method: the mean of its trials' CMC curves}, up to the size of the smallest gallery."""
    mean = {}
    for line in [*found.lines, *found.baselines]:
        curves = [measured.curve for measured in line.measured if measured.curve]
        if curves:
            shortest = min(map(len, curves))
            several = not line.costs and len({other.condition("frames") for other in found.baselines}) > 1
            name = f"{line.name}, {line.condition('frames') or 'all'} frames" if several else line.name
            mean[name] = np.mean([curve[:shortest] for curve in curves], axis=0)
    return mean
