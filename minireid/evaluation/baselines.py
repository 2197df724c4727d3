"""Plain baselines: results on the same persons without any learning.

    chance              uses no images; the exact expectation over all orders of the gallery
    mean colour         mean red, green and blue over all pixels and frames: 3 values
    colour histograms   six horizontal stripes, each with one histogram of hue, saturation and value together, 8 bins
                        each: shares of the stripe's pixels, averaged over the frames; then square roots:
                        6 x 8 x 8 x 8 = 3072 values
    raw pixels          the mean frame: H x W x 3 values

Colours are RGB from 0 to 1. The score of two clips is minus the Euclidean distance of these vectors. With the square
roots it is the Hellinger distance of the histograms, up to a factor; without them the few largest bins decide alone. A
network that is not well above all baselines has not learnt to recognise persons.
"""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from minireid.data.clips import Clip
from minireid.data.prepared import Prepared
from minireid.evaluation.ranking import RANKS, matches_and_impostors
from minireid.networks.euclidean import score

STRIPES = 6
BINS = 8  # of 256 byte values, so 32 values wide


def mean_colour(frames: np.ndarray) -> np.ndarray:
    """uint8 (T, H, W, C) -> (3,)."""
    return frames[..., :3].mean(axis=(0, 1, 2)) / 255


def colour_histograms(frames: np.ndarray) -> np.ndarray:
    """uint8 (T, H, W, C), H at least 6 -> (3072,); if 6 does not divide H, stripes differ by a row."""
    T, H, W, _ = frames.shape
    colours = np.ascontiguousarray(frames[..., :3]).reshape(T * H, W, 3)
    hsv = np.asarray(Image.fromarray(colours).convert("HSV")).reshape(T, H, W, 3)
    code = hsv // (256 // BINS) @ np.array([BINS**2, BINS, 1])  # (T, H, W), 0 to 511
    found = []
    for stripe in np.array_split(code, STRIPES, axis=1):
        # all frames have equally many pixels: the mean of their shares is the share of all their pixels
        found.append(np.bincount(stripe.ravel(), minlength=BINS**3) / stripe.size)
    return np.sqrt(np.concatenate(found))


def raw_pixels(frames: np.ndarray) -> np.ndarray:
    """uint8 (T, H, W, C) -> (H W 3,)."""
    return frames[..., :3].mean(axis=0).ravel() / 255


BASELINES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean colour": mean_colour,
    "colour histograms": colour_histograms,
    "raw pixels": raw_pixels,
}


def scores(prepared: Prepared, probe: list[Clip], gallery: list[Clip]) -> dict[str, np.ndarray]:
    """{baseline: (P, G)}, larger = more alike. Frames are read once."""
    rows = [
        [features(prepared.frames[clip.start : clip.start + clip.length]) for features in BASELINES.values()]
        for clip in [*probe, *gallery]
    ]
    vectors = {name: np.stack(column) for name, column in zip(BASELINES, zip(*rows))}
    return {name: score(v[: len(probe)], v[len(probe) :]) for name, v in vectors.items()}


def chance(
    probe_person: np.ndarray,
    gallery_person: np.ndarray,
    *,
    ranks: Sequence[int] = RANKS,
    allowed: np.ndarray | None = None,
) -> tuple[np.ndarray, float]:
    """What a random order gives on average: CMC at `ranks` (len(ranks),), and mAP. Exact, nothing is drawn.

    For a probe compared with G entries of which m are true matches:

        CMC(k) = 1 - C(G - m, k) / C(G, k)                      k / G where m = 1
        AP = (H + (m - 1) / (G - 1) (G - H)) / G                with H = 1 + 1/2 + ... + 1/G

    AP: place k holds a true match with probability m / G. Then (k - 1) (m - 1) / (G - 1) other matches are expected
    before it. So the expected precision there is (1 + (k - 1) (m - 1) / (G - 1)) / k. AP is the sum over k of
    probability times precision, divided by m.
    """
    shape = (len(probe_person), len(gallery_person))
    same, other = matches_and_impostors(np.zeros(shape), probe_person, gallery_person, allowed)
    m = same.sum(axis=1)  # (P,)
    G = m + other.sum(axis=1)
    missed = np.ones((max(ranks) + 1, len(m)))  # missed[k]: no true match in the first k places
    for k in range(1, max(ranks) + 1):
        left = np.maximum(G - k + 1, 1)  # entries left before place k is filled
        missed[k] = missed[k - 1] * np.maximum(G - m - k + 1, 0) / left
    H = np.cumsum(1 / np.arange(1, G.max() + 1))[G - 1]
    AP = (H + (m - 1) / np.maximum(G - 1, 1) * (G - H)) / G
    return 1 - missed[list(ranks)].mean(axis=1), float(AP.mean())
