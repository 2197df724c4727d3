"""Check every derivative of minireid, or a file of your own."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

from minireid.base.arguments import seconds, whole
from minireid.base.errors import InputError


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("names", nargs="*", metavar="NAME", help="FILE.py; or only these of minireid (gru, msp_src …)")
    command.add_argument("--like", metavar="NAME", help="compare FILE.py with this page of minireid, forward too")
    command.add_argument(
        "--shapes", default="", metavar="TEXT", help='without --like: what to draw, "x:3,5 w:5,7 y:int3<7 stride=2"'
    )
    command.add_argument("--seed", type=whole(0), default=0)
    command.add_argument(
        "--hints",
        type=int,
        choices=range(5),
        default=4,
        help="how much is told: 0 the verdict, 1 tensors, 2 line, 3 cause, 4 fix (default)",
    )
    command.add_argument("--json", action="store_true", help="print JSON in place of text")
    command.add_argument("--junit", type=Path, metavar="XML", help="write the results as JUnit XML too")
    command.add_argument("--plot", type=Path, metavar="PNG", help="of FILE.py: picture of the worst wrong gradient")
    command.add_argument(
        "--time-limit", type=seconds(3600), default=60, metavar="SECONDS", help="of FILE.py (default: 60)"
    )
    command.add_argument("--names", dest="list", action="store_true", help="print all names and stop")


def run(arguments: argparse.Namespace) -> int:
    from minireid.base.files import check_target

    if arguments.list:
        return print_names()
    for target, ending, option in ((arguments.plot, ".png", "--plot"), (arguments.junit, ".xml", "--junit")):
        if target:
            check_target(target, ending, option=option)
    if arguments.plot:
        need_matplotlib()
    if arguments.like or any(name.endswith(".py") for name in arguments.names):
        return check_own_file(arguments)
    for name in arguments.names:
        if Path(name).is_file():
            raise InputError(f"expected a file whose name ends in .py, got {name}: rename it, or say --like PAGE")
    if arguments.plot or arguments.shapes:
        raise InputError("expected a file for --plot and --shapes: minireid gradcheck FILE.py")
    with one_thread():
        return check_pages(
            tuple(arguments.names),
            arguments.seed,
            as_json=arguments.json,
            hints=arguments.hints,
            junit=arguments.junit,
        )


def need_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError("expected matplotlib for --plot, found none: pip install matplotlib") from None


def one_thread() -> contextlib.AbstractContextManager[None]:
    """The maps are tiny: more threads would only wait for each other. With NumPy alone, as many as it takes."""
    try:
        from minireid.base.threads import threads
    except ImportError:
        return contextlib.nullcontext()
    return threads(1)


def print_names() -> int:
    from minireid.gradcheck.cases.check_all import all_cases

    names = [case.name for case in all_cases()]
    print("\n".join(dict.fromkeys(part for name in names for part in (name.partition("/")[0], name))))
    return 0


def check_pages(
    names: tuple[str, ...], seed: int, *, as_json: bool = False, hints: int = 4, junit: Path | None = None
) -> int:
    """Check the cases of these names (no names: all cases) and print. Returns 1 if something is wrong, else 0."""
    from minireid.gradcheck.cases import check_all

    chosen = check_all.chosen(names, seed)
    reports = []
    if not as_json:
        print(check_all.HEADER)
    for case in chosen:
        report = check_all.check_case(case, seed)
        reports.append(report)
        if not as_json:
            print("\n".join(check_all.lines(report, hints)), flush=True)
    wrong = [report.name for report in reports if not report.ok]
    checks = [report.to_json() for report in reports]
    write_junit(junit, checks, [report.text(hints) for report in reports], [])
    if as_json:
        print(json.dumps({"ok": not wrong, "checks": checks}, indent=1))
    else:
        verdict = f"WRONG: {','.join(wrong)}" if wrong else "all right"
        print(f"{len(chosen)} functions checked, seed {seed}: {verdict}")
    return 1 if wrong else 0


def check_own_file(arguments: argparse.Namespace) -> int:
    """Check the functions of FILE.py and print. Returns 1 if something is wrong, 2 if it was stopped, else 0."""
    from minireid.gradcheck.cases.check_file import check_file

    if len(arguments.names) != 1:
        raise InputError("expected one file: minireid gradcheck FILE.py, or minireid gradcheck FILE.py --like gru")
    if arguments.like and arguments.shapes:
        raise InputError("expected --like or --shapes, not both: with --like the page decides the shapes")
    found = check_file(
        Path(arguments.names[0]),
        arguments.like,
        seed=arguments.seed,
        seconds=arguments.time_limit,
        picture=arguments.plot,
        hints=arguments.hints,
        shapes=arguments.shapes,
    )
    texts, finished = found.pop("texts"), found.pop("finished")
    write_junit(arguments.junit, found["checks"], texts, found.get("unchecked", []))
    print(json.dumps(found, indent=1) if arguments.json else "\n".join([*texts, *summary(found)]))
    return 1 if not found["ok"] else 0 if finished else 2


def summary(found: dict[str, Any]) -> list[str]:
    """What could not be checked, and how many were; whether the time was over."""
    stopped = [found["stopped"]] if "stopped" in found else []
    if found["like"]:
        return stopped
    wrong = sum(not check["ok"] for check in found["checks"])
    lines = [f"not checked   {line}" for line in found["unchecked"]]
    count = len(found["checks"])
    return [*lines, f"{count} checked, {wrong} wrong, {len(lines)} not checked", *stopped]


def write_junit(path: Path | None, checks: list[dict[str, Any]], texts: list[str], unchecked: list[str]) -> None:
    from minireid.base.files import write_text
    from minireid.gradcheck.front.junit import junit

    if path:
        write_text(path, junit(checks, texts, unchecked))
