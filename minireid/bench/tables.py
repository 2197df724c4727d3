"""What `minireid bench` prints."""

from typing import Any

from minireid.bench.layers import FRAMES
from minireid.bench.steps import CLIPS, LENGTH


def describe(about: dict[str, Any]) -> str:
    peaks = ", ".join(f"{gflops:.0f} with {n} thread{'s' * (n > 1)}" for n, gflops in about["peak GFLOP/s"].items())
    torch = "PyTorch {version}, {allocator}".format(**about["torch"]) if about["torch"] else "PyTorch is not installed"
    return (
        f"{about['machine']}; peak {peaks} (float32 GFLOP/s, measured), memory {about['GB/s']:.0f} GB/s\n"
        f"numba {about['numba']}, NumPy {about['numpy']}, {about['allocator']}; {torch};\n"
        f"medians of {about['rounds']} rounds, in turns"
    )


def table_of_layers(rows: list[dict[str, Any]], n: int) -> str:
    lines = [
        f"{n} thread{'s' * (n > 1)}, {FRAMES} frames of 64 x 32 (fused, PyTorch: with pool and tanh);",
        "GFLOP/s count every product, also those that fused leaves out",
        f"{'layer':<7}{'channels':<10}{'direction':<18}{'way':<24}{'ms':>10}{'GFLOP/s':>10}{'% of peak':>11}",
    ]
    for row in sorted((r for r in rows if r["threads"] == n), key=lambda r: (r["layer"], r["direction"][::-1])):
        lines.append(
            f"{row['layer']:<7}{row['channels']:<10}{row['direction']:<18}{row['way']:<24}{row['ms']:>10.2f}"
            f"{row['GFLOP/s']:>10.3g}{row['% of peak']:>11.2g}"
        )
    return "\n".join(lines)


def table_of_steps(rows: list[dict[str, Any]], n: int) -> str:
    lines = [f"{CLIPS} clips of {LENGTH} frames: milliseconds, and minireid's time as a share (median, quartiles)"]
    for row in [row for row in rows if row["threads"] == n]:
        lines.append(f"{row['what']}, {row['size']}, {n} thread{'s' * (n > 1)}")
        for name, ms in row["ms"].items():
            ratio = row["ratio"].get(name)
            share = "" if ratio is None else "{median:10.3f}  ({quartile 1:.3f} to {quartile 3:.3f})".format(**ratio)
            lines.append(f"    {name:<28}{ms:9.2f}{share}")
    return "\n".join(lines)


def table_of_growth(rows: list[dict[str, Any]]) -> str:
    lines = ["a step's nanoseconds per frame and pixel"]
    for what in ("frames", "clips", "pixels"):
        mine = [r for r in rows if r["grows"] == what]
        lines.append(f"    {what:<8}" + "  ".join(f"{r['size']}: {r['ns']:.1f}" for r in mine))
    return "\n".join(lines)


def line_of_memory(memory: dict[str, float]) -> str:
    """Peaks in MB, each above the peak of the same process after tiny steps."""
    return "peak memory of a step at 128 x 64: " + ", ".join(f"{name} {mb:.0f} MB" for name, mb in memory.items())
