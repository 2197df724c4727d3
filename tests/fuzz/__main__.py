"""`python -m tests.fuzz [--minutes 10] TARGET …`: fuzz the readers of files. A finding is any exception but InputError.

atheris (pip install atheris, for Python up to 3.13) guides it by the lines that are reached. Without it, bytes are
changed at random. Exit code 1 if something was found; the inputs are then kept.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("index", "recipe", "checkpoint", "splits", "log", "sweep")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(NAMES)} (default: all)")
    parser.add_argument("--minutes", type=float, default=10, help="for each target (default 10)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for inputs that were found (default: a new temporary one)")
    chosen = parser.parse_args()
    if unknown := set(chosen.targets) - set(NAMES):
        parser.error(f"unknown target {', '.join(sorted(unknown))}")
    out = chosen.out or Path(tempfile.mkdtemp(prefix="fuzz_"))
    found = [line for name in chosen.targets or NAMES for line in fuzz(name, out / name, chosen.minutes, chosen.seed)]
    print("\n".join([f"{len(found)} findings, in {out}", *found]))
    return 1 if found else 0


def fuzz(name: str, folder: Path, minutes: float, seed: int) -> list[str]:
    """One target in a process of its own. Returns a line for each finding."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "tests.fuzz.run", name, str(folder.resolve()), str(round(60 * minutes)), str(seed)]
    done = subprocess.run(
        words, env=environment, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False
    )
    said = done.stderr + done.stdout
    count = re.findall(r"Done (\d+) runs", said)
    reached = re.findall(r"cov: (\d+)", said)
    roots = [json.loads(file.read_text()) for file in sorted((folder / "findings").glob("*")) if not file.suffix]
    found = [f"{name}: {root['root']}\n{root['text'].strip().splitlines()[-1][:200]}" for root in roots]
    found += [
        f"{name}: {file.name}: a hang, a crash or too much memory" for file in folder.glob("*-*") if file.is_file()
    ]
    if done.returncode and not found:
        found.append(f"{name}: the fuzzer ended with {done.returncode}: {said.strip()[-500:]}")
    guide = f"{reached[-1]} edges reached" if reached else "not guided by coverage"
    print(f"{name:<12}{count[-1] if count else '?':>9} inputs, {guide}, {len(found)} findings", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
