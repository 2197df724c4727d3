"""The process in which the user's file runs: it imports and checks it, and writes a report. check_file.py starts it."""

import contextlib
import importlib.util
import inspect
import io
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.gradcheck import Report, check
from minireid.gradcheck.cases.pages import COMPILED, OTHER, Case, Sizes, page_cases
from minireid.gradcheck.cases.variants import variants
from minireid.gradcheck.forward import compare_forwards
from minireid.gradcheck.patterns import Cause
from minireid.gradcheck.report import Line
from minireid.kernels import im2col


def pages() -> list[str]:
    """The names that --like accepts."""
    cases = page_cases(np.random.default_rng(0), Sizes())
    return list(dict.fromkeys(base(case.name) for case in cases if case.name not in COMPILED))


def base(name: str) -> str:
    return name.partition("/")[0]


def main(arguments: list[str]) -> None:
    path, like, seed, result, picture = arguments
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # what the file prints is not the command's answer
            reports = reports_on(Path(path), like, int(seed))
            if picture and (wrong := next((r for r in reports if r.arrays), None)):
                wrong.plot().savefig(picture)
        found = {
            "ok": all(report.ok for report in reports),
            "file": path,
            "like": like,
            "checks": [report.to_json() for report in reports],
            "text": "\n".join(map(str, reports)),
        }
    except InputError as error:
        found = {"input_error": str(error)}
    Path(result).write_text(json.dumps(found))


def reports_on(path: Path, like: str, seed: int) -> list[Report]:
    """A report for every case of `like` for which the file has functions; it stops after the first wrong one."""
    if base(like) not in pages():
        raise InputError(f"there is nothing called {like} to compare with; expected --like one of {', '.join(pages())}")
    module = imported(path)
    reports: list[Report] = []
    for case in cases_of(like, seed, Sizes()):
        functions = functions_for(module, case)
        if functions is None:
            continue
        reports.append(report_on(path, case, *functions, seed))
        if not reports[-1].ok:
            return reports
    if not reports:
        needed = dict.fromkeys(f"{c.forward.__name__} and {c.backward.__name__}" for c in cases_of(like, seed, Sizes()))
        raise InputError(f"{path} has no functions to check; for --like {like} it needs {', or '.join(needed)}")
    return reports


def cases_of(like: str, seed: int, sizes: Sizes) -> list[Case]:
    """The cases of a page, without the compiled ones: users write layers, not kernels."""
    named = [c for c in page_cases(np.random.default_rng(seed), sizes) if like in (c.name, base(c.name))]
    return [c for c in named if c.config.get("kernel", im2col) is im2col and c.name not in COMPILED]


def imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"file_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent.resolve()))  # at the end: a file random.py must not replace the module random
    sys.modules[module.__name__] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: {error.msg}") from None
    except BaseException as error:  # a file can raise anything, also SystemExit
        raise InputError(f"{path} cannot be imported: {error_text(error, path)}") from None
    return module


def functions_for(module: ModuleType, case: Case) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """The file's functions for a case: named like the page's, or with the page's name in front (gru_forward)."""
    page = base(case.name)
    for prefix in ("", f"{page}_"):
        pair = tuple(getattr(module, prefix + f.__name__, None) for f in (case.forward, case.backward))
        if all(callable(f) for f in pair):
            return pair  # type: ignore[return-value]
    return None


def report_on(path: Path, case: Case, forward: Callable[..., Any], backward: Callable[..., Any], seed: int) -> Report:
    """The report on one case: the forward is compared with the page's, then the backward is checked."""
    config, notes = accepted(forward, case)
    others = [
        Case(*c[:4], {k: v for k, v in c.config.items() if k in config})
        for s, z in ((seed + 1, Sizes()), (seed + 2, OTHER))
        for c in cases_of(case.name, s, z)
        if c.name == case.name
    ]
    try:
        differs = compare_forwards(
            forward, case.forward, [(case.arrays, config), *((c.arrays, c.config) for c in others)], variants(case.name)
        )
        report = check(
            forward,
            backward,
            *case.arrays,
            seed=seed,
            name=case.name,
            more=[(c.arrays, c.config) for c in others],
            diagnosis=not differs,
            **config,
        )
    except Exception as error:
        if line_of(error, path) is None:
            raise  # not an error of the user's file
        report = Report(case.name, [], [], seed, "")
        unwritten = "not written yet: " if isinstance(error, NotImplementedError) else ""
        report.faults = [unwritten + error_text(error, path)]
        report.line = line_of(error, path)
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


def with_forward(report: Report, differs: tuple[str, Line | None, list[Cause]]) -> Report:
    """The report on a forward that differs. A note says whether the backward is right for it."""
    consistent = not report.faults and all(tensor.ok for tensor in report.tensors)
    report.notes.append(
        "the backward is right for this forward"
        if consistent
        else "correct the forward first: the cause of the wrong gradients is searched for after that"
    )
    report.forward, report.line, report.causes = differs
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


def error_text(error: BaseException, path: Path) -> str:
    """An exception in one line: its type and message, the line number in the file, and the line's text."""
    own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == path.resolve()]
    where = f" at line {own[-1].lineno}: {own[-1].line}" if own else ""
    message = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}{': ' + message if message else ''}{where}"


def line_of(error: BaseException, path: Path) -> Line | None:
    own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == path.resolve()]
    return Line(own[-1].name, own[-1].lineno or 0, own[-1].line or "") if own else None


if __name__ == "__main__":
    main(sys.argv[1:])
