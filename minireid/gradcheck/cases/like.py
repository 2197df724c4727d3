"""The functions of a user's file beside those of a page of minireid: `minireid gradcheck FILE.py --like gru`.

First the user's forward is compared with the page's. A gradient check cannot find a wrong forward: the backward may be
the right derivative of the wrong function. Then the backward is checked.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.gradcheck import Report, check
from minireid.gradcheck.cases.alive import alive
from minireid.gradcheck.cases.own_form import flat, is_flat, own_step
from minireid.gradcheck.cases.page_case import accepted, base, cases_of, functions_for, pages
from minireid.gradcheck.cases.pages import OTHER, Case, Sizes
from minireid.gradcheck.cases.user_module import failed, imported, line_of, said_unwritten
from minireid.gradcheck.cases.variants import variants
from minireid.gradcheck.finding import Finding
from minireid.gradcheck.forward import Draw, compare_forwards, with_forward
from minireid.gradcheck.forward import run as output_of
from minireid.gradcheck.front.nearest import unknown

Tell = Callable[[list[Report]], None]  # is given what is known so far: the time may be over before the end


def reports_on(path: Path, like: str, seed: int, tell: Tell = lambda reports: None) -> list[Report]:
    """A report for every case of `like` for which the file has functions; it stops after the first wrong one."""
    if base(like) not in pages() or not cases_of(like, seed, Sizes()):
        names = [case.name for page in pages() for case in cases_of(page, seed, Sizes())]
        raise InputError(unknown(like, list(dict.fromkeys([*pages(), *names])), "to compare with"))
    module = imported(path)
    reports: list[Report] = []
    skipped: list[str] = []
    for case in cases_of(like, seed, Sizes()):
        functions = functions_for(module, case)
        if functions is None:
            continue
        if own_step(module, case, functions[0], seed):
            skipped.append(
                f"{functions[0].__name__} has another form than that of {base(case.name)}: it was checked as a part of "
                "forward only"
            )
            continue
        reports.append(report_on(path, case, *functions, seed, lambda quick: tell([*reports, quick])))
        tell(reports)
        if not reports[-1].ok:
            break
    for report in reports[-1:]:
        report.notes = [*skipped, *report.notes]
        report.alive = "" if report.ok else alive(path, module, base(like))
    if reports:
        return reports
    if not reports:
        needed = dict.fromkeys(f"{c.forward.__name__} and {c.backward.__name__}" for c in cases_of(like, seed, Sizes()))
        raise InputError(f"{path} has no functions to check; for --like {like} it needs {', or '.join(needed)}")
    return reports


def report_on(
    path: Path,
    case: Case,
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    seed: int,
    tell: Callable[[Report], None] = lambda report: None,
) -> Report:
    """The report on one case: the forward is compared with the page's, then the backward is checked.

    tell: is given the verdict before the search for the line begins.
    """
    config, notes = accepted(forward, case)
    how: dict[str, Any] = {"seed": seed, "name": case.name, "drawn": True}
    others = [
        Case(*c[:4], {k: v for k, v in c.config.items() if k in config})
        for s, z in ((seed + 1, Sizes()), (seed + 2, OTHER))
        for c in cases_of(case.name, s, z)
        if c.name == case.name
    ]
    if is_flat(forward, case):
        notes.append(f"forward takes x of two axes only: checked with x {case.arrays[0][:, 0].shape}")
        case, others = flat(case), [flat(other) for other in others]
    try:
        quick = check(forward, backward, *case.arrays, **how, diagnosis=False, **config)
        tell(quick)
        draws = [(case.arrays, config), *((c.arrays, c.config) for c in others)]
        differs, noted = compared(forward, case, draws)
        notes += noted
        more = [(c.arrays, c.config) for c in others]
        report = quick if quick.ok or differs else check(forward, backward, *case.arrays, **how, more=more, **config)
    except Exception as error:
        if line_of(error, path) is None:
            raise  # not an error of the user's file
        return failed(case.name, seed, error, path)
    if differs and only_other_draws(forward, case, config):
        differs = None
        report = check(forward, backward, *case.arrays, **how, **config)
        notes = [*notes, "forward draws other random numbers than the page of minireid: this is accepted"]
    report = said_unwritten(report)
    if differs:
        report = with_forward(report, differs, forward)
    report.notes = [*notes, *report.notes]
    return report


def compared(
    forward: Callable[..., Any], case: Case, draws: list[Draw]
) -> tuple[tuple[str, Finding] | None, list[str]]:
    """(what compare_forwards says, notes), with the arrays that may be left out, and without them.

    Without the second a factor that is put into `weights` would seem to mend a loss that has a default for them.
    """
    optional = sorted(name for name in draws[0][1] if may_be_none(forward, name) and may_be_none(case.forward, name)
                      and isinstance(draws[0][1][name], np.ndarray))  # fmt: skip
    bare = [(arrays, {k: v for k, v in config.items() if k not in optional}) for arrays, config in draws]
    both = [*draws, *bare] if optional and all(runs(forward, draw) for draw in bare) else draws
    differs = compare_forwards(forward, case.forward, both, variants(case.name))
    if differs and both is not draws and not compare_forwards(forward, case.forward, draws, [], seconds=0):
        return differs, [f"the forward differs only without {', '.join(optional)}"]
    return differs, []


def may_be_none(forward: Callable[..., Any], name: str) -> bool:
    """Whether an argument has the default None."""
    parameter = inspect.signature(forward).parameters.get(name)
    return parameter is not None and parameter.default is None


def runs(forward: Callable[..., Any], draw: Draw) -> bool:
    """Whether a forward takes such a draw: nobody has asked for it, so an exception is no mistake."""
    try:
        output_of(forward, draw)
        return True
    except Exception:
        return False


def only_other_draws(forward: Callable[..., Any], case: Case, config: dict[str, Any]) -> bool:
    """Whether two forwards with dropout differ only in the random numbers that they draw.

    Then they agree without a generator. Of dropout itself, each value must be 0 or scaled by 1 / (1 - rate).
    """
    if "rng" not in config:
        return False
    without_rng = {**config, "rng": None}
    expected, got = case.forward(*case.arrays, **without_rng)[0], forward(*case.arrays, **without_rng)[0]
    if np.shape(expected) != np.shape(got) or not np.allclose(expected, got, rtol=1e-9):
        return False
    if base(case.name) != "dropout":
        return True
    kept = forward(np.ones(10_000), rate=config["rate"], rng=np.random.default_rng(0))[0]
    scale = 1 / (1 - config["rate"])
    return bool(np.isclose(kept[kept != 0], scale).all() and abs(np.mean(kept) - 1) < 0.05)
