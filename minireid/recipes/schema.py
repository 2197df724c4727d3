"""The keys of a recipe, their units and allowed values. The settings of networks are in their FACTS.

A value outside of its range is refused: too large a number as well, since it would need more memory or time than there
is, or could only be a slip.
"""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from minireid import networks

Name = Literal[networks.NAMES]  # type: ignore[valid-type]  # mypy wants the names written out
Seed = Annotated[int, Meta(ge=0, le=2**53)]
Whole = Annotated[int, Meta(ge=0, le=10**6)]
Natural = Annotated[int, Meta(ge=1, le=10**6)]
Pixels = Annotated[int, Meta(ge=0, le=4096)]
Side = Annotated[int, Meta(ge=8, le=4096)]
Weight = Annotated[float, Meta(ge=0, le=1e6)]
Above0 = Annotated[float, Meta(gt=0, le=1e6)]
BelowOne = Annotated[float, Meta(ge=0, lt=1)]
Filters = Annotated[
    tuple[Annotated[int, Meta(ge=1, le=4096)], ...],
    Meta(min_length=1, max_length=8, description="one to eight whole numbers in [ ], each from 1 to 4096"),
]
Crop = Annotated[tuple[Side, Side], Meta(description="[height, width], each from 8 to 4096")]


@dataclass(frozen=True)
class Network:
    name: Name  # a module of minireid/networks
    filters: Filters  # channels of each convolution; deep_rcn: of all convolutions, then of each level's states
    dropout: BelowOne  # share of the values set to zero
    gain: (
        Above0  # factor of the initial weights of convolutions and linear layers; 1: Torch7's, 1.73 keeps the variance
    )


@dataclass(frozen=True)
class Losses:
    # joint_on_sphere: embeddings scaled to a fixed length first
    together: Literal["joint", "joint_on_sphere", "similarity"]
    verification: Literal["contrastive_squared", "contrastive_linear", "contrastive_crf", "triplet_hard"]
    identification: Literal["softmax", "softmax_smoothed"]
    margin: Weight  # distance up to which different persons are pushed apart
    verification_weight: Weight
    identification_weight: Weight
    verification_length: Weight  # joint_on_sphere: length of the embeddings that are compared
    identification_length: Weight  # joint_on_sphere: length of the embeddings that are classified


@dataclass(frozen=True)
class Clips:
    length: Natural  # frames of a training clip
    crop: Crop  # height x width that the network sees
    flow: bool  # whether the network reads the optical flow
    square_root: bool  # images divided by sqrt(deviation), not by the deviation
    recentre: bool  # the mean subtracted once more after the crop


@dataclass(frozen=True)
class Augment:
    mirror: bool  # half of the clips are mirrored left to right
    negate_flow: bool  # mirrored clips: the horizontal flow changes its sign
    first_offset: Pixels  # smallest row and column at which a crop starts
    shift: Pixels  # pixels by which a crop may reach over the frame's edge
    scale: Weight  # zoom between 1 / (1 + scale) and 1 + scale
    per_frame: bool  # mirror and window are drawn for each frame, not once per clip
    repeat: bool  # the frames of a training clip drawn with replacement from it
    shuffle: bool  # the frames of a training clip in random order


@dataclass(frozen=True)
class Pairs:
    sampler: Literal["alternating", "shared", "every"]  # see minireid/data/sampling.py
    persons: Natural  # per step
    same_camera: bool  # the clips of a negative pair may come from the same camera


@dataclass(frozen=True)
class Training:
    epochs: Natural  # each visits every training person once, except the last few if they do not fill a step
    seed: Seed
    optimiser: Literal["sgd", "rmsprop", "adam"]
    learning_rate: Above0
    schedule: Literal["constant", "cosine"]
    momentum: BelowOne  # sgd
    dampening: Weight  # sgd: 0, or the momentum as in Torch7
    clip_elements: Above0  # every element of a gradient is clamped to this
    weight_decay: BelowOne  # each step subtracts this x learning rate x weight from every weight


@dataclass(frozen=True)
class Validation:
    persons: Whole  # validation persons, who choose the best checkpoint; 0: the last checkpoint is used
    every: Natural  # epochs from one validation to the next


@dataclass(frozen=True)
class Evaluation:
    protocol: Literal["200", "178", "halves", "mars"]  # see minireid/data/splits.py
    frames: Whole  # of a track: the probe's first, the gallery's last; 0: all
    group: Whole  # a track is read in groups of this many frames, and their embeddings are averaged; 0: as one clip
    crops: Annotated[int, Meta(ge=1, le=1000)]  # along the diagonal
    shift: Pixels  # pixels by which the outermost crops reach over the frame's edge
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
