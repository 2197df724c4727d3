"""The command line of `python -m data_tools.walkers`."""

from collections.abc import Sequence
from pathlib import Path

from minireid.base.exits import exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0; 2 after an error, which is one line; 130 if it was stopped with Ctrl-C, 143 with SIGTERM."""
    return exit_code(lambda: run(argv), stopped="stopped: nothing was written")


def run(argv: Sequence[str] | None) -> None:
    from data_tools.walkers import layouts
    from data_tools.walkers.write import write_walkers
    from data_tools.workers import MOST
    from minireid.base.arguments import Parser, whole

    parser = Parser(prog="python -m data_tools.walkers", description="Draw synthetic walking people as image files.")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write; new or empty")
    people_help = "people seen by both cameras (default 120); a tenth more are seen by one. With --twins: all people"
    parser.add_argument("--people", type=whole(1, 9000), default=120, metavar="N", help=people_help)
    parser.add_argument(
        "--seed", type=whole(0), default=0, metavar="N", help="another seed draws other people (default 0)"
    )
    parser.add_argument(
        "--frames",
        type=whole(1, 9999),
        nargs=2,
        metavar=("MIN", "MAX"),
        help="shortest and longest walk, in frames (default: 20 50; twins 31 40; mars 40 100)",
    )
    parser.add_argument("--twins", action="store_true", help="groups of four who differ only in the order of frames")
    parser.add_argument("--layout", default="prid2011", help=f"{', '.join(layouts.LAYOUTS)} (default: prid2011)")
    parser.add_argument("--workers", type=whole(1, MOST), metavar="N", help="processes (default: one per core)")
    args = parser.parse_args(argv)
    args.frames = tuple(args.frames) if args.frames else None
    write_walkers(**vars(args))
    print(f"wrote {args.out}; look at {args.out / 'contact_sheet.png'}")
