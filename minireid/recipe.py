"""Recipes: every number of an experiment in one TOML file, with its reason beside it.

`load` reads one from minireid/recipes by name, or any file by path. A recipe is complete: every key stands in the file,
there are no hidden defaults. The dataclasses below say which keys there are, with their units; a key that is unknown,
missing, of another type or out of range is an InputError that names it.
"""

import dataclasses
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_origin

from minireid.errors import InputError


@dataclass(frozen=True)
class Network:
    name: str  # a module of minireid/networks
    unit: str  # recurrent layer: gru, gru_reset_after, elman, lstm; all but msp_src have one of their own
    depth: int  # recurrent layers on top of each other; 0: none
    pool: str  # temporal_mean, temporal_max, temporal_last
    filters: tuple[int, ...]  # channels of the convolutions; deep_rcn: of all of them, then of the three levels' states
    kernels: tuple[int, int]  # deep_rcn: of the recurrence's inputs and states
    lower_in_candidate: bool  # deep_rcn: the states below reach the candidate too, not the gates alone
    attention: str  # utrcnn: softmax, raw
    top_k: int  # utrcnn: states that are looked back at; 0: all
    dropout: float  # share of the values set to zero
    gain: float  # initial weights of convolutions and linear layers times this; 1 as in Torch7, 1.73 keeps the variance


@dataclass(frozen=True)
class Losses:
    together: str  # joint, joint_on_sphere (embeddings scaled to a fixed length first), similarity (deep_rcn)
    verification: str  # contrastive_squared, contrastive_linear, contrastive_crf, triplet_hard
    identification: str  # softmax, softmax_smoothed
    margin: float  # distance up to which different persons are pushed apart
    verification_weight: float
    identification_weight: float
    verification_length: float  # joint_on_sphere: length of the embeddings that are compared
    identification_length: float  # joint_on_sphere: length of the embeddings that are classified


@dataclass(frozen=True)
class Clips:
    length: int  # frames of a training clip
    crop: tuple[int, int]  # height x width that the network sees
    flow: bool  # whether the network reads the optical flow
    square_root: bool  # images divided by sqrt(deviation), not by the deviation
    recentre: bool  # the mean subtracted once more after the crop


@dataclass(frozen=True)
class Augment:
    mirror: bool  # half of the clips, left to right
    negate_flow: bool  # mirrored clips: horizontal flow turned round
    first_offset: int  # smallest row and column at which a crop starts
    shift: int  # pixels by which a crop may also reach over the frame's edge
    scale: float  # zoom between 1 / (1 + scale) and 1 + scale
    per_frame: bool  # mirror and window drawn for every frame, not once a clip
    repeat: bool  # the frames of a training clip drawn with replacement from it
    shuffle: bool  # the frames of a training clip in random order


@dataclass(frozen=True)
class Pairs:
    sampler: str  # alternating, shared, every: see minireid/data/sampling.py
    persons: int  # a step
    same_camera: bool  # negative pairs may come from one camera


@dataclass(frozen=True)
class Training:
    epochs: int  # each visits every training person once, but for a last few who do not fill a step
    seed: int
    optimiser: str  # sgd, rmsprop, adam
    learning_rate: float
    schedule: str  # constant, cosine
    momentum: float  # sgd
    dampening: float  # sgd: 0, or the momentum as in Torch7
    clip_elements: float  # every element of a gradient is clamped to this
    weight_decay: float  # share of every weight lost in a step, times the learning rate


@dataclass(frozen=True)
class Validation:
    persons: int  # of the training persons, held out to choose the best checkpoint by; 0: the last one is used
    every: int  # epochs


@dataclass(frozen=True)
class Evaluation:
    protocol: str  # 200, 178, halves, mars: see minireid/data/splits.py
    frames: int  # of a track: the probe's first, the gallery's last; 0: all
    group: int  # a track is read in groups of so many frames, whose embeddings are averaged; 0: as one clip
    crops: int  # along the diagonal
    shift: int  # pixels by which the outermost crops reach over the frame's edge
    mirrored: bool  # every crop also mirrored
    normalise: bool  # embeddings of each level scaled to length 1 before they are compared
    within_groups: bool  # gallery: the probe's own group only (twins)
    shuffle: bool  # frames in random order


@dataclass(frozen=True)
class Recipe:
    network: Network
    losses: Losses
    clips: Clips
    augment: Augment
    pairs: Pairs
    training: Training
    validation: Validation
    evaluation: Evaluation


CHOICES = {
    "network.name": (
        "src",
        "msp_src",
        "msp_src_low",
        "msp_src_high",
        "msp_src_motion",
        "crf",
        "crf_spatial",
        "crf_temporal",
        "crf_parts",
        "deep_rcn",
        "deep_rcn_independent",
        "utrcnn",
    ),
    "network.unit": (
        "gru",
        "gru_reset_after",
        "elman",
        "lstm",
        "elman_unsquashed",
        "elman_relu",
        "conv_gru",
        "conv_gru_stacked",
        "attentive_rnn",
    ),
    "network.pool": ("temporal_mean", "temporal_max", "temporal_last"),
    "network.attention": ("softmax", "raw"),
    "losses.together": ("joint", "joint_on_sphere", "similarity"),
    "losses.verification": ("contrastive_squared", "contrastive_linear", "contrastive_crf", "triplet_hard"),
    "losses.identification": ("softmax", "softmax_smoothed"),
    "pairs.sampler": ("alternating", "shared", "every"),
    "training.optimiser": ("sgd", "rmsprop", "adam"),
    "training.schedule": ("constant", "cosine"),
    "evaluation.protocol": ("200", "178", "halves", "mars"),
}
AT_LEAST = {  # every other number: 0
    "network.filters": 1,
    "network.kernels": 1,
    "clips.length": 1,
    "clips.crop": 8,
    "pairs.persons": 1,
    "training.epochs": 1,
    "validation.every": 1,
    "evaluation.crops": 1,
}
LISTS = {
    "clips.crop": "[height, width]",
    "network.kernels": "[inputs, states]",
    "network.filters": "one to eight whole numbers in [ ]",
}
BELOW_ONE = ("network.dropout", "training.momentum", "training.weight_decay")


def names() -> list[str]:
    """The recipes that come with minireid."""
    folder = resources.files("minireid") / "recipes"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load(name_or_path: str, changes: tuple[str, ...] = ()) -> Recipe:
    """The recipe of this name, or in this file, with `changes` such as "training.seed=3" applied."""
    path = Path(name_or_path)
    if path.suffix == ".toml":
        if not path.is_file():
            raise InputError(f"expected a recipe at {path}, found none: check the path")
        text = path.read_text(encoding="utf-8", errors="replace")
    elif name_or_path in names():
        text = (resources.files("minireid") / "recipes" / f"{name_or_path}.toml").read_text(encoding="utf-8")
    else:
        raise InputError(f"expected a recipe ({', '.join(names())}) or the path of a .toml file, got {name_or_path}")
    return parse(text, name_or_path, changes)


def parse(text: str, where: str, changes: tuple[str, ...] = ()) -> Recipe:
    """TOML text -> Recipe. `where` names it in errors."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise InputError(f"{where} is no TOML ({fault}): mend that line") from None
    for change in changes:
        apply(table, change, where)
    sections = {field.name: field.type for field in dataclasses.fields(Recipe)}
    check_keys(table, set(sections), "section", where)
    return Recipe(**{name: section(kind, table[name], name, where) for name, kind in sections.items()})


def apply(table: dict[str, Any], change: str, where: str) -> None:
    """Set one key of a parsed recipe: "section.key=value", the value as TOML (a bare word is taken as text)."""
    key, equals, value = change.partition("=")
    part, dot, last = key.strip().partition(".")
    if not equals or not dot:
        raise InputError(f"expected --set section.key=value, got {change!r}")
    try:
        parsed = tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    if not isinstance(table.get(part), dict) or last not in table[part]:
        raise InputError(f"there is no key {key.strip()} in {where}: see minireid/recipe.py for the keys")
    table[part][last] = parsed


def section(kind: Any, table: Any, name: str, where: str) -> Any:
    """One section's dataclass, every value checked."""
    if not isinstance(table, dict):
        raise InputError(f"expected a section [{name}] in {where}, got {table!r}")
    fields = {field.name: field.type for field in dataclasses.fields(kind)}
    check_keys(table, set(fields), f"key in [{name}]", where)
    return kind(**{key: value(table[key], wanted, f"{name}.{key}", where) for key, wanted in fields.items()})


def check_keys(table: dict[str, Any], expected: set[str], what: str, where: str) -> None:
    for unknown in sorted(set(table) - expected):
        raise InputError(f"unknown {what} of {where}: {unknown}; expected {', '.join(sorted(expected))}")
    for missing in sorted(expected - set(table)):
        raise InputError(f"missing {what} of {where}: {missing}; a recipe states every key")


def value(given: Any, wanted: Any, key: str, where: str) -> Any:
    """The value in the type wanted, or an InputError."""
    if wanted is float and type(given) is int:
        given = float(given)
    if wanted is str and type(given) is int:  # evaluation.protocol=178
        given = str(given)
    if get_origin(wanted) is tuple and isinstance(given, list):
        given = tuple(given)
    lengths = range(1, 9) if Ellipsis in get_args(wanted) else (len(get_args(wanted)),)
    whole = isinstance(given, tuple) and len(given) in lengths and all(type(v) is int for v in given)
    if not (whole if get_origin(wanted) is tuple else type(given) is wanted):
        kind = LISTS[key] if get_args(wanted) else wanted.__name__
        raise InputError(f"expected {key} of {where} as {kind}, got {given!r}")
    if key in CHOICES and given not in CHOICES[key]:
        raise InputError(f"expected {key} of {where} to be one of {', '.join(CHOICES[key])}, got {given!r}")
    numbers = given if isinstance(given, tuple) else (given,)
    least = AT_LEAST.get(key, 0)
    if any(isinstance(v, int | float) and not least <= v < float("inf") for v in numbers):
        raise InputError(f"expected {key} of {where} to be {least} or more, got {given!r}")
    if key in BELOW_ONE and given >= 1:
        raise InputError(f"expected {key} of {where} to be less than 1, got {given!r}")
    return given


def to_toml(recipe: Recipe) -> str:
    """The recipe as TOML text, without the reasons: what a run keeps of it."""
    lines = []
    for name, table in dataclasses.asdict(recipe).items():
        lines.append(f"[{name}]")
        for key, v in table.items():
            text = f'"{v}"' if isinstance(v, str) else str(list(v) if isinstance(v, tuple) else v)
            lines.append(f"{key} = {text.lower() if isinstance(v, bool) else text}")
        lines.append("")
    return "\n".join(lines)
