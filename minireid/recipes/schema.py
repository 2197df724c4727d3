"""Which keys a recipe has, with their units, and what they may be. The settings of networks are in their FACTS."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from minireid import networks


@dataclass(frozen=True)
class Network:
    name: str  # a module of minireid/networks
    filters: tuple[int, ...]  # channels of the convolutions; deep_rcn: of all of them, then of the three levels' states
    dropout: float  # share of the values set to zero
    gain: float  # initial weights of convolutions and linear layers times this; 1 as in Torch7, 1.73 keeps the variance


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
