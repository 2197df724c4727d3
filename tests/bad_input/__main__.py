"""`python -m tests.bad_input [--seed S] [--only PART]`: every case, and a table of what came out."""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.bad_input.choose import everything, sample
from tests.bad_input.crew import Judged, judge_all


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bad_input", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="another sample, another order (default 0)")
    parser.add_argument(
        "--only", action="append", metavar="PART", help="cases whose part or name has this text; again: or"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="N cases, a few of every part")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add a line for every case and what is wrong with it")
    parser.add_argument("--list", action="store_true", help="only count the cases")
    chosen = parser.parse_args()

    def tell(one: Judged) -> None:
        if chosen.json:
            with chosen.json.open("a") as stream:
                print(json.dumps(one._asdict()), file=stream)
        if one.faults:
            print(f"{one.case}\n    {'; '.join(one.faults)}", flush=True)

    def choose(cases: list[tuple[str, str]]) -> list[tuple[int, bool]]:
        if chosen.list:
            print(
                "\n".join(f"{count:>6}  {part}" for part, count in Counter(part for part, _ in cases).items()),
                len(cases),
            )
            return []
        works = sample(cases, chosen.sample, chosen.seed) if chosen.sample else everything(cases, chosen.seed)
        works = [work for work in works if any(text in cases[work[0]][1] for text in chosen.only or [""])]
        random.Random(chosen.seed).shuffle(works)
        return works

    with tempfile.TemporaryDirectory(prefix="bad_input_") as folder:
        judged = judge_all(Path(folder), choose, workers=chosen.workers, tell=tell)
    print(table(judged))
    return 1 if any(one.faults for one in judged) else 0


KINDS = ("traceback", "hang", "silent", "said", "written", "left behind", "exit code")


def table(judged: list[Judged]) -> str:
    """A line for each part: cases, how many are flagged, and why (a case may have several reasons)."""
    lines = [f"{'part':<44}{'cases':>7}{'flagged':>9}" + "".join(f"{kind:>13}" for kind in KINDS) + f"{'seconds':>9}"]
    parts = sorted({one.part for one in judged})
    for part in [*parts, ""]:
        mine = [one for one in judged if part in ("", one.part)]
        counts = [sum(any(fault.startswith(kind) for fault in one.faults) for one in mine) for kind in KINDS]
        flagged = sum(bool(one.faults) for one in mine)
        seconds = sum(one.seconds for one in mine)
        lines.append(
            f"{part or 'all':<44}{len(mine):>7}{flagged:>9}" + "".join(f"{n:>13}" for n in counts) + f"{seconds:>9.0f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
