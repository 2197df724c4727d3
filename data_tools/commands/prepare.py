"""The command line of `python -m data_tools.prepare`."""

from collections.abc import Sequence
from pathlib import Path

from minireid.base.errors import InputError
from minireid.base.exits import exit_code

DESCRIPTION = "Write a prepared folder from a raw dataset folder: smaller frames and optical flow, in one array."
HOLDS = (
    "the folder of the dataset. It contains, for prid2011: multi_shot; ilids_vid: sequences; mars: bbox_train, "
    "bbox_test and info; own: one folder per person; walkers: the same as the dataset whose layout they have"
)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0; 2 after an error, which is one line; 130 if it was stopped with Ctrl-C, 143 with SIGTERM."""
    return exit_code(lambda: run(argv), stopped="interrupted: nothing was written; run it again")


def run(argv: Sequence[str] | None) -> None:
    from data_tools.layouts import LAYOUTS
    from data_tools.workers import MOST
    from data_tools.write_prepared import prepare
    from minireid.base.arguments import Parser, whole

    parser = Parser(prog="python -m data_tools.prepare", description=DESCRIPTION)
    parser.add_argument("dataset", choices=sorted(LAYOUTS))
    parser.add_argument("raw", type=Path, help=HOLDS)
    parser.add_argument("out", type=Path, help="the prepared folder to write")
    parser.add_argument("--size", type=size, default=(64, 32), metavar="HxW", help="height x width (default 64x32)")
    parser.add_argument("--no-flow", dest="flow", action="store_false", help="colours only, without optical flow")
    scale_help = "optical flow is stored as the byte 127 + N * pixels of movement (default 16: up to 7.9 pixels)"
    parser.add_argument("--flow-scale", type=whole(1), default=16, metavar="N", help=scale_help)
    parser.add_argument("--workers", type=whole(1, MOST), metavar="N", help="threads (default: one per processor)")
    force_help = "replace a folder that was prepared from other images or with other options"
    parser.add_argument("--force", action="store_true", help=force_help)
    prepare(**vars(parser.parse_args(argv)))


def size(text: str) -> tuple[int, int]:
    height, cross, width = text.partition("x")
    if not (cross and text.isascii() and height.isdecimal() and width.isdecimal() and len(text) < 10):
        raise InputError(f"expected --size as height x width such as 64x32, got {text[:40]!r}: choose another")
    return int(height), int(width)
