"""The functions of a user's file beside those of a page of minireid: `minireid gradcheck FILE.py --like gru`.

First the user's forward is compared with the page's. A gradient check cannot find a wrong forward: the backward may be
the right derivative of the wrong function. Then the backward is checked.
"""

import contextlib
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck import Report, check
from minireid.gradcheck.cases.pages import COMPILED, OTHER, Case, Sizes, page_cases
from minireid.gradcheck.cases.user_module import error_text, imported, line_of
from minireid.gradcheck.cases.variants import variants
from minireid.gradcheck.forward import compare_forwards
from minireid.gradcheck.front.nearest import unknown
from minireid.gradcheck.finding import Finding, Line
from minireid.gradcheck.tensor.problem import fresh
from minireid.kernels import im2col

Tell = Callable[[list[Report]], None]  # is given what is known so far: the time may be over before the end


def pages() -> list[str]:
    """The names that --like accepts."""
    cases = page_cases(np.random.default_rng(0), Sizes())
    return list(dict.fromkeys(base(case.name) for case in cases if case.name not in COMPILED))


def base(name: str) -> str:
    return name.partition("/")[0]


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
    if reports:
        return reports
    if not reports:
        needed = dict.fromkeys(f"{c.forward.__name__} and {c.backward.__name__}" for c in cases_of(like, seed, Sizes()))
        raise InputError(f"{path} has no functions to check; for --like {like} it needs {', or '.join(needed)}")
    return reports


def cases_of(like: str, seed: int, sizes: Sizes) -> list[Case]:
    """The cases of a page, without the compiled ones: users write layers, not kernels."""
    named = [c for c in page_cases(np.random.default_rng(seed), sizes) if like in (c.name, base(c.name))]
    return [c for c in named if c.config.get("kernel", im2col) is im2col and c.name not in COMPILED]


def functions_for(module: ModuleType, case: Case) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """The file's functions for a case: named like the page's, or with the page's name in front (gru_forward)."""
    page = base(case.name)
    for prefix in ("", f"{page}_"):
        pair = tuple(getattr(module, prefix + f.__name__, None) for f in (case.forward, case.backward))
        if all(callable(f) for f in pair):
            return pair  # type: ignore[return-value]
    return None


def own_step(module: ModuleType, case: Case, step: Callable[..., Any], seed: int) -> bool:
    """Whether a step is the user's own: unlike the page's, while the loop that uses it gives what the page's gives."""
    whole = next((c for c in cases_of(base(case.name), seed, Sizes()) if c.name == base(case.name)), None)
    loop = functions_for(module, whole) if whole and whole.name != case.name else None
    if loop is None and not fits(step, case):
        raise InputError(
            f"{step.__name__} takes {inspect.signature(step)}, the page {case.name} {inspect.signature(case.forward)}: "
            "to check it with arrays of its own, leave out --like"
        )
    if whole is None or loop is None or agrees(step, case):
        return False
    return agrees(loop[0], whole) or not same_form(step, case)


def agrees(forward: Callable[..., Any], case: Case) -> bool:
    """Whether a forward returns what the page's returns, in each of its results."""
    try:
        with np.errstate(all="ignore"):
            config, _ = accepted(forward, case)
            mine, expected = (f(*fresh_arrays(case), **fresh(config)) for f in (forward, case.forward))
        if not isinstance(mine, (tuple, list)) or len(mine) != len(expected):
            return False
        pairs = [pair for y, true in zip(mine[:-1], expected[:-1]) for pair in zip(leaves(y), leaves(true))]
        return all(np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-8) for (_, a), (_, b) in pairs)
    except Exception:  # whatever it is, it is not the same function
        return False


def same_form(step: Callable[..., Any], case: Case) -> bool:
    """Whether a step takes as many arguments as the page's."""
    count = lambda f: sum(p.default is p.empty for p in inspect.signature(f).parameters.values())  # noqa: E731
    return count(step) == count(case.forward)


def fits(forward: Callable[..., Any], case: Case) -> bool:
    """Whether it can be called with the page's arguments."""
    try:
        inspect.signature(forward).bind(*case.arrays, **accepted(forward, case)[0])
        return True
    except TypeError:
        return False


def fresh_arrays(case: Case) -> tuple[Any, ...]:
    return tuple(map_leaves(np.array, array) for array in case.arrays)


def flat(case: Case) -> Case:
    """The same with the first frame alone: x (N, D) in place of (N, T, D)."""
    return case._replace(arrays=(case.arrays[0][:, 0], *case.arrays[1:]))


def is_flat(forward: Callable[..., Any], case: Case) -> bool:
    """Whether a forward is right for x (N, D) but not for x (N, T, D), where the page takes both."""
    x = case.arrays[0]
    if not isinstance(x, np.ndarray) or x.ndim != 3 or "lengths" in case.config:
        return False
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        config, _ = accepted(forward, case)
        mine, expected = (f(*fresh_arrays(case), **fresh(config))[0] for f in (forward, case.forward))
        if np.shape(mine) == np.shape(expected):
            return False
    return agrees(forward, flat(case))


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
        quick = check(forward, backward, *case.arrays, seed=seed, name=case.name, diagnosis=False, **config)
        tell(quick)
        differs = compare_forwards(
            forward, case.forward, [(case.arrays, config), *((c.arrays, c.config) for c in others)], variants(case.name)
        )
        more = [(c.arrays, c.config) for c in others]
        report = (
            quick
            if quick.ok or differs
            else check(forward, backward, *case.arrays, seed=seed, name=case.name, more=more, **config)
        )
    except Exception as error:
        if line_of(error, path) is None:
            raise  # not an error of the user's file
        report = Report(case.name, [], [], seed, "")
        unwritten = "not written yet: " if isinstance(error, NotImplementedError) else ""
        report.faults = [unwritten + error_text(error, path)]
        report.findings = [Finding(line_of(error, path))]
        return report
    if differs and only_other_draws(forward, case, config):
        differs = None
        report = check(forward, backward, *case.arrays, seed=seed, name=case.name, **config)
        notes = [*notes, "forward draws other random numbers than the page of minireid: this is accepted"]
    if any("raises NotImplementedError" in fault for fault in report.faults):
        report.faults = [f"not written yet: {fault}" for fault in report.faults]
    if differs:
        report = with_forward(report, differs)
    report.notes = [*notes, *report.notes]
    return report


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


def with_forward(report: Report, differs: tuple[str, Finding]) -> Report:
    """The report on a forward that differs. A note says whether the backward is right for it."""
    consistent = not report.faults and all(tensor.ok for tensor in report.tensors)
    report.notes.append(
        "the backward is right for this forward"
        if consistent
        else "correct the forward first: the cause of the wrong gradients is searched for after that"
    )
    report.forward, finding = differs
    report.findings = [finding]
    return report


def accepted(forward: Callable[..., Any], case: Case) -> tuple[dict[str, Any], list[str]]:
    """(configuration, notes): the case's configuration without arguments that `forward` does not have.

    Raises InputError if the page's own forward has no default for such an argument.
    """
    parameters = inspect.signature(forward).parameters.values()
    if any(p.kind == p.VAR_KEYWORD for p in parameters):
        return dict(case.config), []
    names = {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
    left_out = [k for k in case.config if k not in names]
    expected = inspect.signature(case.forward)
    needed = [k for k in left_out if expected.parameters[k].default is inspect.Parameter.empty]
    if needed:
        raise InputError(f"{case.name}: forward takes no argument {', '.join(needed)}; expected {expected}")
    reported = [k for k in left_out if k != "kernel"]
    notes = [f"forward takes no argument {', '.join(reported)}: checked without it"] if reported else []
    return {k: v for k, v in case.config.items() if k in names}, notes
