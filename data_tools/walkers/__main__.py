"""`python -m data_tools.walkers`: the command line of the walkers."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from data_tools.walkers import layouts
from data_tools.walkers.write import write_walkers
from minireid.base.errors import InputError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see python -m data_tools.walkers --help")


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns 0; 2 after an error, which is one line; 130 if it was stopped with Ctrl-C."""
    parser = _Parser(prog="python -m data_tools.walkers", description="Draw synthetic walking people as image files.")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write; new or empty")
    people_help = "people seen by both cameras (default 120); a tenth more are seen by one. With --twins: all people"
    parser.add_argument("--people", type=int, default=120, metavar="N", help=people_help)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed draws other people (default 0)")
    parser.add_argument(
        "--frames",
        type=int,
        nargs=2,
        metavar=("MIN", "MAX"),
        help="shortest and longest walk, in frames (default: 20 50; twins 31 40; mars 40 100)",
    )
    parser.add_argument("--twins", action="store_true", help="groups of four who differ only in the order of frames")
    parser.add_argument("--layout", default="prid2011", help=f"{', '.join(layouts.LAYOUTS)} (default: prid2011)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one per core)")
    try:
        args = parser.parse_args(argv)
        frames = tuple(args.frames) if args.frames else None
        write_walkers(
            args.out,
            people=args.people,
            seed=args.seed,
            frames=frames,
            twins=args.twins,
            layout=args.layout,
            workers=args.workers,
        )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped: nothing was written", file=sys.stderr)
        return 130
    print(f"wrote {args.out}; look at {args.out / 'contact_sheet.png'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
