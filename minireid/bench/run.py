"""`minireid bench`: layers, whole steps and growth of the cost, compared with this machine's peak and PyTorch."""

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from minireid.base.files import check_folder, make_folder, write_text
from minireid.base.memory import keep_freed_memory
from minireid.base.threads import threads
from minireid.bench import layers, steps
from minireid.bench.layers import TorchSeconds
from minireid.bench.measure import bandwidth, bursts, in_turns, machine, paired_ratio, peak
from minireid.bench.steps import CLIPS, LENGTH
from minireid.bench.tables import describe, line_of_memory, table_of_growth, table_of_layers, table_of_steps
from minireid.bench.torch_process import TorchProcess, installed

SIZES = ((64, 32), (128, 64))
STATUS = Path("/proc/self/status")


def bench(out: Path | None, *, rounds: int, quick: bool, as_json: bool) -> None:
    """Measure, print, and (with `out`) save results.json and three pictures."""
    if out:
        check_folder(out)
    say = functools.partial(print, file=sys.stderr if as_json else sys.stdout, flush=True)
    counts = [n for n in (1, 2) if n <= vars(numba.config)["NUMBA_NUM_THREADS"]]
    result: dict[str, Any] = {"layers": [], "steps": [], "growth": [], "memory": {}}
    with threads(counts[-1]):
        peaks = {n: peak(n) for n in counts}
        about = {
            "machine": machine(),
            "numba": numba.__version__,
            "numpy": np.__version__,
            "allocator": keep_freed_memory(),  # as in every command that computes
            "rounds": rounds,
            "peak GFLOP/s": peaks,
            "GB/s": bandwidth(),
        }
        for n in counts:
            numba.set_num_threads(n)
            torch = TorchProcess(n) if installed() else None
            if n == counts[0]:
                result["about"] = about | {"torch": torch.about if torch else None}
                say(describe(result["about"]))
            for layer in layers.layers_of(*SIZES[0]):
                found = layers.measure_layer(layer, max(1, rounds // 3), torch.seconds if torch else None)
                result["layers"] += [{"threads": n, **r, "% of peak": 100 * r["GFLOP/s"] / peaks[n]} for r in found]
            say("\n" + table_of_layers(result["layers"], n))
            for height, width in SIZES[:1] if quick else SIZES:
                result["steps"] += measure_steps(height, width, n, rounds, torch.seconds if torch else None)
            say("\n" + table_of_steps(result["steps"], n))
            if torch:
                torch.close()
        result["denormals"] = denormals(rounds)
        say(f"\na step on images of denormal numbers takes {result['denormals']['median']:.2f} times as long as usual")
        if not quick:
            result["growth"] = measure_growth(rounds, counts[-1])
            say("\n" + table_of_growth(result["growth"]))
    if not quick:
        result["memory"] = peak_memory(installed())
        say(f"\n{line_of_memory(result['memory'])}")
    if out:
        save(out, result)
        say(f"\nwrote {out}/results.json and pictures")
    if as_json:
        print(json.dumps(result, indent=1))


def measure_steps(height: int, width: int, n: int, rounds: int, torch: TorchSeconds | None) -> list[dict[str, Any]]:
    """Rows "training step" and "embedding": milliseconds of each, and minireid's time as a share of PyTorch's."""
    params, batch = steps.draw(CLIPS, LENGTH, height, width)
    mine = {"training step": steps.training_step(params, batch), "embedding": steps.embedding(params, batch["x"])}
    rows = []
    for what, function in mine.items():
        functions: dict[str, Callable[[], float]] = bursts({"minireid": function})
        for layout in layers.LAYOUTS if torch else ():
            assert torch is not None
            functions[f"PyTorch, {layout}"] = functools.partial(torch, what, height, width, layout)
        seconds = in_turns(functions, rounds)
        ratios = {name: paired_ratio(seconds["minireid"], s) for name, s in seconds.items() if name != "minireid"}
        rows.append({
            "what": what, "size": f"{height} x {width}", "threads": n,
            "ms": {name: 1e3 * float(np.median(s)) for name, s in seconds.items()},
            "ratio": ratios,
        })  # fmt: skip
    return rows


def denormals(rounds: int) -> dict[str, float]:
    """The time of a step on images of denormal numbers only, divided by the time of a usual step."""
    params, batch = steps.draw(CLIPS, LENGTH, *SIZES[0])
    tiny = {**batch, "x": np.full_like(batch["x"], 1e-40)}
    functions = {"tiny": steps.training_step(params, tiny), "usual": steps.training_step(params, batch)}
    seconds = in_turns(bursts(functions), rounds)
    return paired_ratio(seconds["tiny"], seconds["usual"])


def measure_growth(rounds: int, n: int) -> list[dict[str, Any]]:
    """Nanoseconds per frame and pixel of a step while frames, clips or pixels grow; all in turns."""
    cases = {("frames", T): (8, T, 64, 32) for T in (4, 8, 16, 32, 64, 128)}
    cases |= {("clips", N): (N, 16, 64, 32) for N in (2, 4, 8, 16, 32)}
    cases |= {("pixels", H * W): (4, 16, H, W) for H, W in ((64, 32), (96, 48), (128, 64), (192, 96), (256, 128))}
    functions = {f"{what} {size}": steps.training_step(*steps.draw(*shape)) for (what, size), shape in cases.items()}
    seconds = in_turns(bursts(functions), max(3, rounds // 2))
    rows = []
    for (what, size), shape in cases.items():
        measured = 1e9 * seconds[f"{what} {size}"] / np.prod(shape)
        rows.append({"grows": what, "size": size, "shape": shape, "threads": n, "ns": float(np.median(measured))})
    return rows


def peak_memory(with_torch: bool) -> dict[str, float]:
    """Peak memory in MB of a step at 128 x 64. Each way runs in its own process. Empty if this is not Linux."""
    if not STATUS.exists():
        return {}
    ways = ["minireid"] + ["PyTorch, channels last"] * with_torch
    return {way: float(subprocess.check_output([sys.executable, "-m", "minireid.bench.run", way])) for way in ways}


def memory_of(way: str) -> float:
    """MB: the process's peak after three steps, less its peak after tiny ones (imports, compiled code, threads)."""
    theirs = way != "minireid"

    keep_freed_memory()

    def after(*shape: int) -> int:
        params, batch = steps.draw(*shape)
        if theirs:
            from minireid.bench import torch_step

            step = torch_step.training_step(params, batch, "channels last", steps.LEARNING_RATE)
        else:
            step = steps.training_step(params, batch)
        for _ in range(3):
            step()
        (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1])  # kB

    before = after(2, 2, 16, 16)
    return (after(CLIPS, LENGTH, *SIZES[1]) - before) / 1024


def save(out: Path, result: dict[str, Any]) -> None:
    from minireid.plots import speed

    make_folder(out)
    write_text(out / "results.json", json.dumps(result, indent=1) + "\n")
    speed.draw_roofline(out / "roofline.png", result["layers"], result["about"])
    speed.draw_bars(out / "bars.png", result["steps"])
    if result["growth"]:
        speed.draw_growth(out / "growth.png", result["growth"])


if __name__ == "__main__":
    print(memory_of(sys.argv[1]))
