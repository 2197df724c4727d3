"""The keys of a recipe, their units and allowed values. The settings of networks are in their FACTS."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from minireid import networks


@dataclass(frozen=True)
class Network:
    name: str  # a module of minireid/networks
    filters: tuple[int, ...]  # channels of each convolution; deep_rcn: of all convolutions, then of each level's states
    dropout: float  # share of the values set to zero
    gain: float  # factor of the initial weights of convolutions and linear layers; 1: Torch7's, 1.73 keeps the variance


@dataclass(frozen=True)
class Losses:
    together: str  # joint, joint_on_sphere (embeddings scaled to a fixed length first), similarity
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
    mirror: bool  # half of the clips are mirrored left to right
    negate_flow: bool  # mirrored clips: the horizontal flow changes its sign
    first_offset: int  # smallest row and column at which a crop starts
    shift: int  # pixels by which a crop may reach over the frame's edge
    scale: float  # zoom between 1 / (1 + scale) and 1 + scale
    per_frame: bool  # mirror and window are drawn for each frame, not once per clip
    repeat: bool  # the frames of a training clip drawn with replacement from it
    shuffle: bool  # the frames of a training clip in random order


@dataclass(frozen=True)
class Pairs:
    sampler: str  # alternating, shared, every: see minireid/data/sampling.py
    persons: int  # per step
    same_camera: bool  # the clips of a negative pair may come from the same camera


@dataclass(frozen=True)
class Training:
    epochs: int  # each visits every training person once, except the last few if they do not fill a step
    seed: int
    optimiser: str  # sgd, rmsprop, adam
    learning_rate: float
    schedule: str  # constant, cosine
    momentum: float  # sgd
    dampening: float  # sgd: 0, or the momentum as in Torch7
    clip_elements: float  # every element of a gradient is clamped to this
    weight_decay: float  # each step subtracts this x learning rate x weight from every weight


@dataclass(frozen=True)
class Validation:
    persons: int  # validation persons, who choose the best checkpoint; 0: the last checkpoint is used
    every: int  # epochs from one validation to the next


@dataclass(frozen=True)
class Evaluation:
    protocol: str  # 200, 178, halves, mars: see minireid/data/splits.py
    frames: int  # of a track: the probe's first, the gallery's last; 0: all
    group: int  # a track is read in groups of this many frames, and their embeddings are averaged; 0: as one clip
    crops: int  # along the diagonal
    shift: int  # pixels by which the outermost crops reach over the frame's edge
    mirrored: bool  # every crop also mirrored
    normalise: bool  # embeddings of each level scaled to length 1 before they are compared
    within_groups: bool  # the gallery is the probe's own group (twins)
    shuffle: bool  # frames in random order


@dataclass(frozen=True)
class Recipe:
    """settings: those of the network's family, by name."""

    network: Network
    settings: dict[str, Any]
    losses: Losses
    clips: Clips
    augment: Augment
    pairs: Pairs
    training: Training
    validation: Validation
    evaluation: Evaluation


SECTIONS: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(Recipe) if field.name != "settings"}
CHOICES = {
    "network.name": networks.NAMES,
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
    "clips.length": 1,
    "clips.crop": 8,
    "pairs.persons": 1,
    "training.epochs": 1,
    "validation.every": 1,
    "evaluation.crops": 1,
}
LISTS = {
    "clips.crop": "[height, width]",
    "network.filters": "one to eight whole numbers in [ ]",
}
BELOW_ONE = ("network.dropout", "training.momentum", "training.weight_decay")
