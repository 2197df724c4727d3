"""CRF with its parts: a network for the whole body and one for each half, and their fusion (Chen et al. 2017, eq. 10).

    F1  g = crf(x)                      "whole", the whole body
    F2  u = crf(upper half of x)        "upper", networks of their own
    F3  l = crf(lower half of x)        "lower"
    F4  y = g Wg + u Wu + l Wl          "fused", eq. 10

Shapes: x (N, T, H, W, C) clips, H even; g, u, l, y (N, 128); Wg, Wu, Wl (128, 128).

The paper trains "separate deep models" and learns the fusion weights "from the training sets", without saying how, nor
whether a weight is a number or a matrix. Here all three networks have losses of their own, and so has y, on the same
batches. F4's weights are matrices: coordinate 7 of one network has nothing to do with coordinate 7 of another, and
numbers could not bring the three together. They start as the identity, the plain sum, and learn from there. y's
gradient stops at F4: it teaches the weights, not the networks, which are as separate as if they had been trained one
after the other.

`watch(name, array)`, where given, is shown every result and, as "d" + name, its gradient.
"""

import numpy as np

from minireid.networks import crf
from minireid.networks.euclidean import score, to_unit_length
from minireid.networks.watching import ignore

__all__ = ["backward", "embed", "forward", "init", "score"]

PARTS = ("whole", "upper", "lower")


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width. Raises ValueError where the height is odd."""
    if height % 2:
        raise ValueError(f"crf_parts: expected an even height, to be halved, got {height}")
    sizes = {"whole": height, "upper": height // 2, "lower": height // 2}
    settings = {"width": width, "channels": channels, "filters": filters, "features": features, "dtype": dtype}
    parts = {part: crf.init(rng, height=size, **settings) for part, size in sizes.items()}
    return {**parts, "fusion": {part: np.eye(features, dtype=dtype) for part in PARTS}}


def forward(x, p, *, lengths=None, rng=None, dropout_rate=0.6, kernel=None, watch=ignore):
    """x (N, T, H, W, C), lengths (N,) or None -> {"whole", "upper", "lower", "fused": (N, 128)}, cache."""
    embeddings, caches = parts_forward(
        x, p, lengths=lengths, rng=rng, dropout_rate=dropout_rate, kernel=kernel, watch=watch
    )  # F1, F2, F3
    fused, fusion = fuse_forward(embeddings, p["fusion"])  # F4 (N, 128)
    watch("fusion", fused)
    return {**embeddings, "fused": fused}, (caches, fusion)


def backward(dembeddings, cache, *, need_dx=True, watch=ignore):
    """{"whole", "upper", "lower", "fused": (N, 128)} -> dx (None where need_dx is False), grads."""
    caches, fusion = cache
    watch("dfusion", dembeddings["fused"])
    _, fusion_grads = fuse_backward(dembeddings["fused"], fusion)  # F4; and no further
    dx, grads = parts_backward(dembeddings, caches, need_dx=need_dx, watch=watch)  # F3, F2, F1
    return dx, {**grads, "fusion": fusion_grads}


def embed(x, p, *, lengths=None, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128), the fused ones. No dropout. unit_length: scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths)
    fused = {"fused": embeddings["fused"]}
    return (to_unit_length(fused) if unit_length else fused)["fused"]


# Three networks, one after the other.


def parts_forward(x, p, *, lengths=None, rng=None, dropout_rate=0.6, kernel=None, watch=ignore):
    half = x.shape[2] // 2
    seen = {"whole": x, "upper": x[:, :, :half], "lower": x[:, :, half:]}
    embeddings, caches = {}, {}
    for part in PARTS:
        settings = {"lengths": lengths, "rng": rng, "dropout_rate": dropout_rate, "kernel": kernel}
        found, caches[part] = crf.forward(seen[part], p[part], **settings, watch=under(part, watch))
        embeddings[part] = found["clip"]
    return embeddings, caches


def parts_backward(dembeddings, caches, *, need_dx=True, watch=ignore):
    dseen, grads = {}, {}
    for part in reversed(PARTS):
        dclip = {"clip": dembeddings[part]}
        dseen[part], grads[part] = crf.backward(dclip, caches[part], need_dx=need_dx, watch=under(part, watch))
    dx = dseen["whole"] + np.concatenate([dseen["upper"], dseen["lower"]], axis=2) if need_dx else None
    return dx, grads


def under(part: str, watch):
    """A `watch` for one of the three: conv1 is shown as upper.conv1, and dconv1 as dupper.conv1 (no result of crf has a
    name that begins with d)."""
    return lambda name, array: watch(f"d{part}.{name[1:]}" if name[0] == "d" else f"{part}.{name}", array)


# Their fusion.


def fuse_forward(embeddings, weights):
    """{part: (N, 128)}, {part: (128, 128)} -> (N, 128), cache."""
    return sum(embeddings[part] @ weights[part] for part in PARTS), (embeddings, weights)


def fuse_backward(dfused, cache):
    """(N, 128) -> gradients of the embeddings and of the weights."""
    embeddings, weights = cache
    dembeddings = {part: dfused @ weights[part].T for part in PARTS}
    return dembeddings, {part: embeddings[part].T @ dfused for part in PARTS}
