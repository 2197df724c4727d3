"""One batch walked through a network: what a debugger looks at first.

Above: what can be told before any training. Do the losses start where chance says? Is anything saturated? Is an update
of a sensible size against its weights? Below: a line a layer with shape, parameters, FLOPs a frame, sizes of
activations and gradients, and milliseconds.
"""

import time
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from minireid.data.prepared import DISTRACTORS, JUNK, Prepared
from minireid.kernels import fastest
from minireid.layers import conv_gru, conv_gru_stacked
from minireid.networks import deep_rcn
from minireid.recipe import Recipe
from minireid.train import crowd_of
from minireid.training import batches, loop, model
from minireid.training.batches import Inputs
from minireid.trees import Tree, leaves, map_leaves


class Watcher:
    """A `watch` that writes down what it is shown and when: a row for each result, its gradient under the same name."""

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

    def counting(self, kernel: ModuleType) -> Any:
        """The kernel module, its forward counting two FLOPs for every multiply-add."""

        def forward(x, W, b, **config):
            y = kernel.forward(x, W, b, **config)
            self.flops += 2.0 * W[..., 0].size * y.size
            return y

        return SimpleNamespace(
            forward=forward, backward_input=kernel.backward_input, backward_weights=kernel.backward_weights
        )


def trace(recipe: Recipe, prepared: Prepared | None, identities: int) -> str:
    """The whole page as text. prepared=None: random bytes in place of frames, enough for shapes, counts and times."""
    params = model.init(recipe, identities)
    if prepared is None:
        inputs, rng = random_inputs(recipe, identities)
    else:
        batches.check_fits(recipe, prepared)
        everybody = tuple(sorted({track.person for track in prepared.tracks} - {JUNK, DISTRACTORS}))
        crowd = crowd_of(recipe, prepared, everybody)
        inputs, rng = batches.draw(recipe, prepared, crowd, 0)
        params = model.init(recipe, len(crowd.persons))
    model.loss_and_gradients(recipe, params, **inputs._asdict(), rng=rng)  # compiles, and warms up
    watcher = Watcher()
    kernel = watcher.counting(fastest())
    watcher.last = time.perf_counter()
    _, parts, _, grads = model.loss_and_gradients(
        recipe, params, **inputs._asdict(), rng=rng, watch=watcher, kernel=kernel
    )
    watcher.ends(1e3 * (time.perf_counter() - watcher.last))
    source = "random bytes" if prepared is None else str(prepared.path)
    sections = [
        f"{recipe.network.name}: {inputs.x.shape[0]} clips of {inputs.x.shape[1]} frames, "
        f"{inputs.x.shape[2]} x {inputs.x.shape[3]} pixels, {inputs.x.shape[4]} channels, from {source}",
        before_training(recipe, params, grads, watcher.rows, parts, inputs),
        layer_table(params, watcher.rows, inputs),
    ]
    return "\n\n".join(sections)


def random_inputs(recipe: Recipe, identities: int) -> tuple[Inputs, np.random.Generator]:
    """A batch of the recipe's shape without any data: P persons, two clips each, the pairs of `shared`."""
    rng = np.random.default_rng(recipe.training.seed)
    P = min(max(2, recipe.pairs.persons), identities)
    shape = (2 * P, recipe.clips.length, *recipe.clips.crop, 5 if recipe.clips.flow else 3)
    x = rng.normal(size=shape).astype(np.float32)
    first = 2 * np.arange(P)
    pairs = np.concatenate([np.stack([first, first + 1], 1), np.stack([first, (first + 3) % (2 * P)], 1)])
    lengths = np.full(2 * P, recipe.clips.length)
    same = np.arange(2 * P) < P
    return Inputs(x, lengths, np.repeat(np.arange(P), 2), pairs, same, batches.balanced(same)), rng


def before_training(
    recipe: Recipe,
    params: Tree,
    grads: Tree,
    rows: dict[str, dict[str, Any]],
    parts: dict[str, float],
    inputs: Inputs,
) -> str:
    """Losses against chance, saturation, and the size of the first update against the weights."""
    lines = ["Before training", *against_chance(recipe, params, parts, inputs)]
    for what, shares in (
        ("|tanh| above 0.99", saturated_tanh(recipe, rows)),
        ("ReLU always 0", shut_relu(rows)),
        ("gate off or on (1 %)", gates(recipe, params, rows)),
    ):
        if shares:
            lines.append(f"  {what + ':':<24} " + ", ".join(f"{name} {100 * v:.1f} %" for name, v in shares.items()))
    before = map_leaves(np.copy, params)
    loop.apply_gradients(recipe, params, map_leaves(np.copy, grads), {}, 0, 1)
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


def against_chance(recipe: Recipe, params: Tree, parts: dict[str, float], inputs: Inputs) -> list[str]:
    """A line for each part of the loss: what it is, and what it would be for a network that tells nobody apart."""
    lines = []
    one_point = collapsed(recipe, params, inputs)
    for name, part in parts.items():
        if name.endswith("identification"):
            K = params["heads"][name.removesuffix(" identification")]["b"].size
            chance = f"chance among {K} persons: ln {K} = {np.log(K):.3f}"
        elif recipe.losses.together == "similarity":  # the same person or not, with odds of one to one
            chance = f"chance: ln 2 = {np.log(2):.3f}"
        else:
            chance = f"all embeddings in one point: {one_point[name]:.3f}"
        lines.append(f"  {name:<24} {part:8.3f}   {chance}")
    return lines


def convolutions(rows: dict[str, dict[str, Any]]) -> dict[str, np.ndarray]:
    return {name: row["array"] for name, row in rows.items() if "conv" in name}


def saturated_tanh(recipe: Recipe, rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Share of a layer's values that are beyond +-0.99, where tanh passes no gradient on; none for ReLU."""
    maps = convolutions(rows)
    if all(array.min() >= 0 for array in maps.values()):
        return {}
    if recipe.network.unit == "attentive_rnn":  # whose states are tanh's too, and raw attention drives them to the ends
        maps["recurrence"] = rows["recurrence"]["array"]
    return {name: float((np.abs(array) > 0.99).mean()) for name, array in maps.items()}


def shut_relu(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Share of a convolution's filters that are 0 in every place of every frame, where no gradient gets on; none for
    tanh."""
    maps = convolutions(rows)
    if any(array.min() < 0 for array in maps.values()):
        return {}
    return {name: float((array.reshape(-1, array.shape[-1]) == 0).all(axis=0).mean()) for name, array in maps.items()}


def gates(recipe: Recipe, params: Tree, rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Share of a recurrent unit's gates, over all frames, below 0.01 or above 0.99; none for units without gates."""
    network = params["network"]
    values = gates_of_levels(network, rows) if "level1" in rows else gates_of_units(recipe, network, rows)
    return {name: float(((value < 0.01) | (value > 0.99)).mean()) for name, value in values.items()}


def gates_of_units(recipe: Recipe, network: Tree, rows: dict[str, dict[str, Any]]) -> dict[str, np.ndarray]:
    """GRU and LSTM, run once more on what they were given: {"high.unit1.z": (T, N, S), …}."""
    found = {}
    for name in [name for name in rows if ".unit" in name]:
        depth = int(name.removeprefix("high.unit"))
        below = "high.centre" if "high.centre" in rows else "high.linear"
        x = rows[below if depth == 1 else f"high.unit{depth - 1}"]["array"]
        _, steps = model.parts_of(recipe, plain=True)["unit"].forward(x, network["high"][f"unit{depth}"])
        for gate in ("z", "r", "i", "f", "o"):
            if isinstance(steps, list) and gate in steps[0]:
                found[f"{name}.{gate}"] = np.stack([step[gate] for step in steps])
    return found


def gates_of_levels(network: Tree, rows: dict[str, dict[str, Any]]) -> dict[str, np.ndarray]:
    """The convolutional GRUs of deep_rcn, run once more on what they were given: {"level1.z": (T, N, H, W, S), …}."""
    found = {}
    for k in (1, 2, 3):
        h, own = rows[f"level{k}"]["array"], network[f"level{k}"]
        x = rows[f"conv{k}"]["array"].reshape(*h.shape[:4], -1)
        if "Lz" in own:
            below, _ = deep_rcn.halve_forward(rows[f"level{k - 1}"]["array"])
            _, (_, _, states, *_) = conv_gru_stacked.forward(x, below, own)
        else:
            _, (_, states, _) = conv_gru.forward(x, own)
        found[f"level{k}.z"], found[f"level{k}.r"] = np.split(states[1], 2, axis=-1)
    return found


def collapsed(recipe: Recipe, params: Tree, inputs: Inputs) -> dict[str, float]:
    """The parts of the loss where all clips have one and the same embedding."""
    sizes = {level: next(array.shape[0] for array in head.values()) for level, head in params["heads"].items()}
    alike = {level: np.ones((len(inputs.x), D), inputs.x.dtype) for level, D in sizes.items()}
    settings = {key: value for key, value in inputs._asdict().items() if key not in ("x", "lengths")}
    _, cache = model.loss_of(recipe).forward(alike, params["heads"], **settings, **model.loss_settings(recipe))
    return {name: float(part) for name, part in cache["parts"].items()}


def layer_table(params: Tree, rows: dict[str, dict[str, Any]], inputs: Inputs) -> str:
    """A line a layer, then the losses' heads and the totals."""
    N, T = inputs.x.shape[:2]
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
    """FLOPs a frame of a linear or recurrent layer: each matrix once for every output vector."""
    vectors = np.prod(shape[:-1]) / frames
    return float(sum(2 * array.size * vectors for array in own.values() if array.ndim == 2))
