"""CRF with parts: a network for the whole body and one for each half, and their fusion (Chen et al. 2017, eq. 10).

    F1  g = crf(x)                      "whole": the whole body
    F2  u = crf(upper half of x)        "upper": a network of its own
    F3  l = crf(lower half of x)        "lower": a network of its own
    F4  y = g Wg + u Wu + l Wl          "fused": eq. 10

Shapes: x (N, T, H, W, C) clips, H even; g, u, l and y (N, 128); Wg, Wu and Wl (128, 128).

The paper trains "separate deep models" and learns the fusion weights "from the training sets". It does not say how, nor
whether a weight is a number or a matrix. Here all three networks have losses of their own, and so has y, on the same
batches. The weights of F4 are matrices, because feature 7 of one network has no relation to feature 7 of another. They
start as the identity, the plain sum. The gradient of y stops at F4: it trains the weights, not the networks. So the
networks stay separate, as if they were trained one after the other.
"""

import numpy as np

from minireid.networks import crf
from minireid.networks.euclidean import score
from minireid.networks.running import ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = crf.FACTS._replace(levels=("fused",))
PARTS = ("whole", "upper", "lower")


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width. Raises ValueError where the height is odd."""
    if height % 2:
        raise ValueError(f"crf_parts: expected an even height (frames are cut into two halves), got {height}")
    sizes = {"whole": height, "upper": height // 2, "lower": height // 2}
    settings = {"width": width, "channels": channels, "filters": filters, "features": features, "dtype": dtype}
    parts = {part: crf.init(rng, height=size, **settings) for part, size in sizes.items()}
    return {**parts, "fusion": {part: np.eye(features, dtype=dtype) for part in PARTS}}


def forward(x, p, *, watch=ignore, **how):
    """x (N, T, H, W, C) -> {"whole", "upper", "lower", "fused": (N, 128)}, cache. how: see Forward in running.py."""
    embeddings, caches = parts_forward(x, p, watch=watch, **how)  # F1, F2, F3
    fused, fusion = fuse_forward(embeddings, p["fusion"])  # F4 (N, 128)
    watch("fusion", fused)
    return {**embeddings, "fused": fused}, (caches, fusion)


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"whole", "upper", "lower", "fused": (N, 128)} -> dx (None where need_dx is False), grads."""
    caches, fusion = cache
    watch("dfusion", dembeddings["fused"])
    _, fusion_grads = fuse_backward(dembeddings["fused"], fusion)  # F4; the gradient stops here
    dx, grads = parts_backward(dembeddings, caches, need_dx=need_dx, watch=watch)  # F3, F2, F1
    return dx, {**grads, "fusion": fusion_grads}


# Three networks, one after the other: F1 to F3.


def parts_forward(x, p, *, watch=ignore, **how):
    """x (N, T, H, W, C) -> {"whole", "upper", "lower": (N, 128)}, cache."""
    half = x.shape[2] // 2
    images = {"whole": x, "upper": x[:, :, :half], "lower": x[:, :, half:]}
    embeddings, caches = {}, {}
    for part in PARTS:
        found, caches[part] = crf.forward(images[part], p[part], watch=under(part, watch), **how)
        embeddings[part] = found["clip"]
    return embeddings, caches


def parts_backward(dembeddings, caches, *, need_dx: bool = True, watch=ignore):
    """{"whole", "upper", "lower": (N, 128)} -> dx (None where need_dx is False), grads."""
    dimages, grads = {}, {}
    for part in reversed(PARTS):
        dclip = {"clip": dembeddings[part]}
        dimages[part], grads[part] = crf.backward(dclip, caches[part], need_dx=need_dx, watch=under(part, watch))
    dx = dimages["whole"] + np.concatenate([dimages["upper"], dimages["lower"]], axis=2) if need_dx else None
    return dx, grads


def under(part: str, watch):
    """A `watch` for one of the three: conv1 becomes upper.conv1, dconv1 becomes dupper.conv1. (In crf.py only names
    of gradients begin with d.)"""
    return lambda name, array: watch(f"d{part}.{name[1:]}" if name[0] == "d" else f"{part}.{name}", array)


# Their fusion: F4.


def fuse_forward(embeddings, weights):
    """{part: (N, 128)}, {part: (128, 128)} -> (N, 128), cache."""
    return sum(embeddings[part] @ weights[part] for part in PARTS), (embeddings, weights)


def fuse_backward(dfused, cache):
    """(N, 128) -> gradients of the embeddings and of the weights."""
    embeddings, weights = cache
    dembeddings = {part: dfused @ weights[part].T for part in PARTS}
    return dembeddings, {part: embeddings[part].T @ dfused for part in PARTS}
