"""images.normalised_windows (mirror, normalise, window) in one compiled pass over each image: five times faster.

In images.py the three functions together pass over every clip about a dozen times. Here the numbers of one image stay
in the cache from its bytes to its window. images.py is the definition and runs without numba. Tests check that both
agree.

Each result depends on one image only and is written to its own place. So images can go to any thread in any order:
there is no race, and the bits are the same. A row keeps its order in memory: pixel by pixel, channels side by side.
Sums are kept for each column separately until the end. So the innermost loops run along memory, and the compiler can
make vector instructions of them.
"""

import numba
import numpy as np

from minireid.base.compiling import helper, jit
from minireid.data.images import FLOW_ZERO, RGB_TO_YUV

RED, GREEN, BLUE = RGB_TO_YUV[:, 0]  # F1 of images.py, written out: three numbers are too few for a loop
TO_U, TO_V, BYTE = np.float32(0.492), np.float32(0.877), np.float32(1 / 255)


def normalised_windows(
    frames: np.ndarray,
    which: np.ndarray,
    offsets: np.ndarray,
    zoom: np.ndarray,
    size: tuple[int, int],
    *,
    negate_flow: bool = True,
    square_root: bool = False,
) -> np.ndarray:
    """frames uint8 (N, T, H, W, C) -> float32 (N, T, *size, C): as images.normalised_windows, but for rounding."""
    seen = np.empty((*frames.shape[:2], *size, frames.shape[-1]), np.float32)
    all_windows(frames, which, offsets, zoom.astype(np.float64), negate_flow, square_root, seen)
    return seen


@jit
def all_windows(frames, which, offsets, zoom, negate_flow, square_root, seen):
    N, T, H, W, C = frames.shape
    for image in numba.prange(N * T):
        n, t = image // T, image % T
        rows = np.empty((H, W * C), np.float32)
        read(frames[n, t], which[n], negate_flow, rows)
        normalise(rows, C, square_root)
        resample(rows, offsets[n], zoom[n], seen[n, t])


@helper
def read(image, mirrored, negate_flow, rows):  # bytes (H, W, C) -> rows (H, W C): mirror and F1
    H, W, C = image.shape
    for h in range(H):
        row = rows[h]
        for w in range(W):
            v = W - 1 - w if mirrored else w
            R, G, B = BYTE * image[h, v, 0], BYTE * image[h, v, 1], BYTE * image[h, v, 2]
            Y = RED * R + GREEN * G + BLUE * B
            row[w * C], row[w * C + 1], row[w * C + 2] = Y, TO_U * (B - Y), TO_V * (R - Y)
            if C == 5:
                flow_x, flow_y = image[h, v, 3], image[h, v, 4]
                row[w * C + 3] = 2 * FLOW_ZERO - flow_x if mirrored and negate_flow else flow_x
                row[w * C + 4] = flow_y


@helper
def normalise(rows, C, square_root):  # F2, in place
    first, H, W = rows[0].copy(), rows.shape[0], rows.shape[1] // C
    for k in range(C, W * C):
        first[k] = first[k - C]  # first one pixel's value: a constant channel is then exactly 0
    mean = np.zeros(W * C, np.float32)
    for h in range(H):
        for k in range(W * C):
            rows[h, k] -= first[k]
            mean[k] += rows[h, k]
    average_columns(mean, C, H)
    factor = np.zeros(W * C, np.float32)
    for h in range(H):
        for k in range(W * C):
            rows[h, k] -= mean[k]
            factor[k] += rows[h, k] * rows[h, k]
    average_columns(factor, C, H)
    for k in range(W * C):
        spread = np.sqrt(factor[k])
        if spread < 1e-6:  # a constant channel, apart from rounding
            factor[k] = 0
        else:
            factor[k] = 1 / (np.sqrt(spread) if square_root else spread)
    for h in range(H):
        for k in range(W * C):
            rows[h, k] *= factor[k]


@helper
def average_columns(sums, C, H):  # sums over the rows (W C,) -> at every pixel the average over all pixels
    for c in range(C):
        total = np.float32(0)
        for k in range(c, len(sums), C):
            total += sums[k]
        for k in range(c, len(sums), C):
            sums[k] = total / np.float32(H * (len(sums) // C))


@helper
def resample(rows, offset, zoom, seen):  # rows (H, W C) -> seen (height, width, C): images.window
    height, width, C = seen.shape
    H, W = rows.shape[0], rows.shape[1] // C
    above, below, upper, lower = neighbours(offset[0], height, H, zoom)
    left, right, near, far = neighbours(offset[1], width, W, zoom)
    line = np.empty(W * C, np.float32)
    left, right = left * C, right * C
    for i in range(height):
        one, other, a, b = rows[above[i]], rows[below[i]], upper[i], lower[i]
        for k in range(W * C):
            line[k] = a * one[k] + b * other[k]
        for j in range(width):
            one, other, a, b = line[left[j] :], line[right[j] :], near[j], far[j]
            for c in range(C):
                seen[i, j, c] = a * one[c] + b * other[c]


@helper
def neighbours(start, length, available, zoom):  # the two pixels around each output pixel, and their weights
    before, after = np.empty(length, np.uint32), np.empty(length, np.uint32)
    weight_before, weight_after = np.zeros(length, np.float32), np.zeros(length, np.float32)
    centre = start + (length - 1) / 2
    for k in range(length):
        place = centre + (k - (length - 1) / 2) / zoom
        pixel = int(np.floor(place))
        before[k], after[k] = min(max(pixel, 0), available - 1), min(max(pixel + 1, 0), available - 1)
        if 0 <= pixel < available:
            weight_before[k] = 1 - (place - pixel)
        if 0 <= pixel + 1 < available:
            weight_after[k] = place - pixel
    return before, after, weight_before, weight_after
