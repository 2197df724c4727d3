"""Speed of layers and training steps, compared with this machine's peak and PyTorch."""

import argparse
import importlib.util
from pathlib import Path

from minireid.base.arguments import whole
from minireid.base.errors import InputError


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, metavar="FOLDER", help="folder for results.json and pictures")
    command.add_argument(
        "--rounds", type=whole(1, 10_000), default=9, help="rounds of measurements, in turns (default: 9)"
    )
    command.add_argument("--quick", action="store_true", help="only 64 x 32, without growth and memory")
    command.add_argument("--json", action="store_true", help="print JSON; the tables go to stderr")


def run(arguments: argparse.Namespace) -> None:
    if importlib.util.find_spec("numba") is None:
        raise InputError("minireid bench measures numba's kernels: pip install numba")
    from minireid.bench.run import bench

    bench(arguments.out, rounds=arguments.rounds, quick=arguments.quick, as_json=arguments.json)
