"""One batch walked through a network: what to look at first when training does not work.

The report: what is known before training. Do the losses start where chance says? Is anything saturated? Has an update
a sensible size, against its weights? Then a line for each layer: shape, parameters, FLOPs per frame, sizes of
activations and gradients, and milliseconds.
"""

import copy
import time
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from minireid.base.trees import Tree, leaves, map_leaves
from minireid.data.prepared import DISTRACTORS, JUNK, Prepared
from minireid.layers import attentive_rnn, elman, gru
from minireid.networks.running import Call
from minireid.recipes.schema import Recipe
from minireid.training import batches
from minireid.training import model as models
from minireid.training.batches import Batch
from minireid.training.experiment import experiment_of
from minireid.training.model import Model, model_of
from minireid.training.step import Computed, gradients, update
from minireid.training.ways import Way, fast

GATES = ("z", "r", "i", "f", "o")  # of GRU and LSTM
SQUASHED = (attentive_rnn, elman)  # recurrent layers whose results are those of a tanh


class Watcher:
    """A `watch` that records what it is shown and when: a row for each result, its gradient under the same name."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.flops = 0.0
        self.running = ""  # the layer whose backward is running
        self.last = time.perf_counter()

    def __call__(self, name: str, array: np.ndarray) -> None:
        milliseconds = 1e3 * (time.perf_counter() - self.last)
        size = np.abs(array)
        mean_and_largest = (float(size.mean()), float(size.max()))
        if name.startswith("d") and name[1:] in self.rows:
            self.ends(milliseconds)
            self.running = name[1:]
            self.rows[self.running]["gradient"] = mean_and_largest
        else:
            self.rows[name] = {
                "shape": array.shape,
                "activation": mean_and_largest,
                "array": array,
                "flops": self.flops,
                "forward ms": milliseconds,
            }
            self.flops = 0.0
        self.last = time.perf_counter()

    def ends(self, milliseconds: float) -> None:
        """The backward of the layer that was running took this long."""
        if self.running:
            self.rows[self.running]["backward ms"] = milliseconds

    def counting(self, way: Way) -> Way:
        """The same way, but its convolutions count FLOPs in forward: two for every multiply-add."""
        return way._replace(block=self.counting_block(way.block), kernel=self.counting_kernel(way.kernel))

    def counting_block(self, block: ModuleType) -> Any:
        def forward(x, p, *, padding: int = 0, **config):
            KH, KW = p["W"].shape[:2]
            pixels = len(x) * (x.shape[1] + 2 * padding - KH + 1) * (x.shape[2] + 2 * padding - KW + 1)
            self.flops += 2.0 * p["W"].size * pixels
            return block.forward(x, p, padding=padding, **config)

        return SimpleNamespace(forward=forward, backward=block.backward)

    def counting_kernel(self, kernel: ModuleType) -> Any:
        def forward(x, W, b, **config):
            y = kernel.forward(x, W, b, **config)
            self.flops += 2.0 * W[..., 0].size * y.size
            return y

        return SimpleNamespace(
            forward=forward, backward_input=kernel.backward_input, backward_weights=kernel.backward_weights
        )


def trace(recipe: Recipe, prepared: Prepared | None, identities: int) -> str:
    """The report as text. prepared=None: random numbers in place of frames, enough for shapes, counts and times."""
    way = fast()._replace(gru=gru)  # the GRU's definition, not its fast twin
    if prepared is None:
        batch, rng = random_batch(recipe, identities)
    else:
        batches.check_fits(recipe, prepared)
        everybody = tuple(sorted({track.person for track in prepared.tracks} - {JUNK, DISTRACTORS}))
        experiment = experiment_of(recipe, prepared, everybody)
        batch, rng = batches.draw(experiment, 0)
        identities = len(experiment.people.persons)
    params = models.init(recipe, identities)
    calls = dict(calls_of(recipe, params, batch, copy.deepcopy(rng), way))  # compiles, and warms up
    watcher = Watcher()
    model = model_of(recipe, watcher.counting(way))
    watcher.last = time.perf_counter()
    computed = gradients(model, params, batch, rng, watcher)
    watcher.ends(1e3 * (time.perf_counter() - watcher.last))
    source = "random numbers" if prepared is None else str(prepared.path)
    sections = [
        f"{recipe.network.name}: {batch.x.shape[0]} clips of {batch.x.shape[1]} frames, "
        f"{batch.x.shape[2]} x {batch.x.shape[3]} pixels, {batch.x.shape[4]} channels, from {source}",
        before_training(recipe, model, params, computed, watcher.rows, calls),
        layer_table(params, watcher.rows, batch),
    ]
    return "\n\n".join(sections)


def calls_of(recipe: Recipe, params: Tree, batch: Batch, rng, way: Way) -> Iterator[tuple[str, Call]]:
    """(name, call) of every layer of the network's forward on this batch."""
    model = model_of(recipe, way)
    gradients(model, params, batch, copy.deepcopy(rng))  # compiles the backward too
    how = {"lengths": batch.lengths, "rng": rng, "dropout_rate": model.dropout}
    _, cache = model.network.forward(batch.x, params["network"], **model.settings, **how)
    yield from calls_in(cache)


def calls_in(cache: Any, prefix: str = "") -> Iterator[tuple[str, Call]]:
    """The calls in a network's cache, which may hold the caches of other networks."""
    if isinstance(cache, Call):
        yield prefix, cache
    elif isinstance(cache, dict):
        for name, inner in cache.items():
            yield from calls_in(inner, f"{prefix}.{name}" if prefix else name)
    elif isinstance(cache, tuple):
        for inner in cache:
            yield from calls_in(inner, prefix)


def random_batch(recipe: Recipe, identities: int) -> tuple[Batch, np.random.Generator]:
    """A random batch of the recipe's shape: P persons, two clips each, pairs as of sampler `shared`."""
    rng = np.random.default_rng(recipe.training.seed)
    P = min(max(2, recipe.pairs.persons), identities)
    shape = (2 * P, recipe.clips.length, *recipe.clips.crop, 5 if recipe.clips.flow else 3)
    x = rng.normal(size=shape).astype(np.float32)
    first = 2 * np.arange(P)
    pairs = np.concatenate([np.stack([first, first + 1], 1), np.stack([first, (first + 3) % (2 * P)], 1)])
    lengths = np.full(2 * P, recipe.clips.length)
    same = np.arange(2 * P) < P
    return Batch(x, lengths, np.repeat(np.arange(P), 2), pairs, same, batches.balanced(same)), rng


def before_training(
    recipe: Recipe,
    model: Model,
    params: Tree,
    computed: Computed,
    rows: dict[str, dict[str, Any]],
    calls: dict[str, Call],
) -> str:
    """Losses against chance, saturation, and the size of the first update against the weights."""
    lines = ["Before training", *against_chance(model, params, computed)]
    for what, shares in (
        ("|tanh| above 0.99", saturated_tanh(rows, calls)),
        ("ReLU always 0", shut_relu(rows)),
        ("gate off or on (1 %)", saturated_gates(calls)),
    ):
        if shares:
            lines.append(f"  {what + ':':<24} " + ", ".join(f"{name} {100 * v:.1f} %" for name, v in shares.items()))
    before = map_leaves(np.copy, params)
    update(recipe.training, params, map_leaves(np.copy, computed.grads), {}, 0, 1)
    ratios = {
        name: float(np.linalg.norm(after - old) / np.linalg.norm(old))
        for (name, after), (_, old) in zip(leaves(params), leaves(before))
        if old.ndim > 1
    }
    smallest, largest = min(ratios, key=lambda n: ratios[n]), max(ratios, key=lambda n: ratios[n])
    lines.append(
        f"  |update| / |weight|:     from {ratios[smallest]:.1e} ({smallest}) to {ratios[largest]:.1e} ({largest}); "
        "1e-3 is usual, far more diverges, far less stands still"
    )
    return "\n".join(lines)


def against_chance(model: Model, params: Tree, computed: Computed) -> list[str]:
    """A line for each part of the loss: its value, and its value for a network that cannot tell persons apart."""
    lines = []
    one_point = collapsed(model, params, computed.batch)
    for name, part in computed.parts.items():
        if name.endswith("identification"):
            K = params["heads"][name.removesuffix(" identification")]["b"].size
            chance = f"chance among {K} persons: ln {K} = {np.log(K):.3f}"
        elif "similarity" in model.loss.__name__:  # the same person or not, with odds of one to one
            chance = f"chance: ln 2 = {np.log(2):.3f}"
        else:
            chance = f"all embeddings in one point: {one_point[name]:.3f}"
        lines.append(f"  {name:<24} {part:8.3f}   {chance}")
    return lines


def convolutions(rows: dict[str, dict[str, Any]]) -> dict[str, np.ndarray]:
    return {name: row["array"] for name, row in rows.items() if "conv" in name}


def saturated_tanh(rows: dict[str, dict[str, Any]], calls: dict[str, Call]) -> dict[str, float]:
    """Share of a layer's values beyond +-0.99, where tanh passes hardly any gradient; none for ReLU."""
    maps = convolutions(rows)
    if all(array.min() >= 0 for array in maps.values()):
        return {}
    maps |= {name: rows[name]["array"] for name, call in calls.items() if call.layer in SQUASHED}
    return {name: float((np.abs(array) > 0.99).mean()) for name, array in maps.items()}


def shut_relu(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Share of a convolution's channels that are 0 at all pixels of all frames, so no gradient passes; none for
    tanh."""
    maps = convolutions(rows)
    if any(array.min() < 0 for array in maps.values()):
        return {}
    return {name: float((array.reshape(-1, array.shape[-1]) == 0).all(axis=0).mean()) for name, array in maps.items()}


def saturated_gates(calls: dict[str, Call]) -> dict[str, float]:
    """Share of a recurrent layer's gates, over all frames, below 0.01 or above 0.99; none for layers without gates."""
    gates = {f"{name}.{gate}": value for name, call in calls.items() for gate, value in gates_in(call.cache)}
    return {name: float(((value < 0.01) | (value > 0.99)).mean()) for name, value in gates.items()}


def gates_in(cache: Any) -> Iterator[tuple[str, np.ndarray]]:
    """(gate, its values with time first) of a recurrent layer's cache: a list of steps, or arrays of all steps."""
    if isinstance(cache, list) and hasattr(cache[0], "_fields"):
        for gate in GATES:
            if gate in cache[0]._fields:
                yield gate, np.stack([getattr(step, gate) for step in cache])
    elif hasattr(cache, "zr"):
        yield from zip("zr", np.split(cache.zr, 2, axis=-1))
    elif isinstance(cache, tuple):  # conv_gru keeps its loop's cache inside its own
        for inner in cache:
            yield from gates_in(inner)


def collapsed(model: Model, params: Tree, batch: Batch) -> dict[str, float]:
    """The parts of the loss where all clips have one and the same embedding."""
    sizes = {level: next(array.shape[0] for array in head.values()) for level, head in params["heads"].items()}
    alike = {level: np.ones((len(batch.x), D), batch.x.dtype) for level, D in sizes.items()}
    pairs = {key: value for key, value in batch._asdict().items() if key not in ("x", "lengths")}
    _, cache = model.loss.forward(alike, params["heads"], **pairs, **model.loss_settings)
    return {name: float(part) for name, part in cache.parts.items()}


def layer_table(params: Tree, rows: dict[str, dict[str, Any]], batch: Batch) -> str:
    """A line for each layer, then the heads of the losses and the totals."""
    N, T = batch.x.shape[:2]
    header = (
        f"{'layer':<18}{'output shape':<24}{'parameters':>11}{'MFLOP/frame':>12}"
        f"{'|activation| mean, max':>25}{'|gradient| mean, max':>25}{'ms forward':>12}{'backward':>10}"
    )
    lines, total_flops, total_forward, total_backward = [header, "-" * len(header)], 0.0, 0.0, 0.0
    for name, row in rows.items():
        if name == "loss":
            continue
        own = own_parameters(params["network"], name)
        flops = row["flops"] / (N * T) + other_flops(own, row["shape"], N * T)
        a, g = row["activation"], row.get("gradient", (np.nan, np.nan))
        backward = row.get("backward ms", np.nan)
        count = sum(array.size for array in own.values())
        lines.append(
            f"{name:<18}{' x '.join(map(str, row['shape'])):<24}{count:>11,}{flops / 1e6:>12.3f}"
            f"{a[0]:>13.4f},{a[1]:>11.3f}{g[0]:>13.1e},{g[1]:>11.1e}{row['forward ms']:>12.1f}{backward:>10.1f}"
        )
        total_flops, total_forward = total_flops + flops, total_forward + row["forward ms"]
        total_backward += backward
    for level, head in params["heads"].items():
        count = sum(array.size for array in head.values())
        lines.append(f"{'head ' + level:<42}{count:>11,}")
    everything = sum(array.size for _, array in leaves(params))
    lines.append("-" * len(header))
    lines.append(
        f"{'total':<42}{everything:>11,}{total_flops / 1e6:>12.3f}{'':>50}{total_forward:>12.1f}{total_backward:>10.1f}"
    )
    return "\n".join(lines)


def own_parameters(network: Tree, name: str) -> dict[str, np.ndarray]:
    """The arrays of the layer of this name; none for a pool."""
    node = network
    for part in name.split("."):
        node = node.get(part, {}) if isinstance(node, dict) else {}
    return dict(leaves(node)) if node else {}


def other_flops(own: dict[str, np.ndarray], shape: tuple[int, ...], frames: int) -> float:
    """FLOPs per frame of a linear or recurrent layer: each matrix once per output vector."""
    vectors = np.prod(shape[:-1]) / frames
    return float(sum(2 * array.size * vectors for array in own.values() if array.ndim == 2))
