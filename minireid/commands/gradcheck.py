"""Check every derivative of minireid, or a file of your own."""

import argparse
import json
from pathlib import Path

from minireid.base.errors import InputError


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("names", nargs="*", metavar="NAME", help="only these (gru, msp_src …); or FILE.py with --like")
    command.add_argument("--like", metavar="NAME", help="check the functions of FILE.py; NAME has the same signature")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--json", action="store_true", help="print JSON in place of text")
    command.add_argument("--plot", type=Path, metavar="PNG", help="with --like: picture of the worst wrong gradient")
    command.add_argument("--time-limit", type=float, default=120, metavar="SECONDS", help="with --like (default: 120)")


def run(arguments: argparse.Namespace) -> int:
    from minireid.base.threads import threads

    if arguments.like:
        return check_students_file(arguments)
    if arguments.plot or any(name.endswith(".py") for name in arguments.names):
        raise InputError("expected --like NAME with FILE.py: the page to compare its functions with (--like gru)")
    with threads(1):  # the maps are tiny: more threads would only wait for each other
        return check_pages(tuple(arguments.names), arguments.seed, as_json=arguments.json)


def check_pages(names: tuple[str, ...], seed: int, *, as_json: bool = False) -> int:
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
            print("\n".join(check_all.lines(report)), flush=True)
    wrong = [report.name for report in reports if not report.ok]
    if as_json:
        print(json.dumps({"ok": not wrong, "checks": [report.to_json() for report in reports]}, indent=1))
    else:
        verdict = f"WRONG: {','.join(wrong)}" if wrong else "all right"
        print(f"{len(chosen)} functions checked, seed {seed}: {verdict}")
    return 1 if wrong else 0


def check_students_file(arguments: argparse.Namespace) -> int:
    """Check the functions of FILE.py and print. Returns 1 if something is wrong, else 0."""
    from minireid.base.files import check_target
    from minireid.gradcheck.cases.check_file import check_file

    if len(arguments.names) != 1:
        raise InputError("expected one file: minireid gradcheck FILE.py --like gru")
    if arguments.plot:
        check_target(arguments.plot, ".png")
    found = check_file(
        Path(arguments.names[0]),
        arguments.like,
        seed=arguments.seed,
        seconds=arguments.time_limit,
        picture=arguments.plot,
    )
    text = found.pop("text")
    print(json.dumps(found, indent=1) if arguments.json else text)
    return 0 if found["ok"] else 1
