"""The command line of `python -m data_tools.verify`."""

from collections.abc import Sequence
from pathlib import Path

from data_tools.commands.prepare import HOLDS
from minireid.base.exits import exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0; 1 where there are faults; 2 after an error, which is one line."""
    return exit_code(lambda: run(argv))


def run(argv: Sequence[str] | None) -> int:
    from data_tools.find_faults import report, verify
    from data_tools.layouts import LAYOUTS, layout_of
    from minireid.base.arguments import Parser

    parser = Parser(prog="python -m data_tools.verify", description="Check a raw dataset folder.")
    parser.add_argument("dataset", choices=sorted(LAYOUTS))
    parser.add_argument("raw", type=Path, help=HOLDS)
    parser.add_argument(
        "--published", action="store_true", help="counts that differ from the published ones are faults"
    )
    chosen = parser.parse_args(argv)
    findings = verify(chosen.dataset, chosen.raw, published=chosen.published)
    print(report(chosen.dataset, findings, layout_of(chosen.dataset, chosen.raw).PUBLISHED_AS))
    return 1 if findings.faults else 0
