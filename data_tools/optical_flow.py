"""Optical flow by Lucas and Kanade: where has each pixel of a frame come from since the frame before?

B. D. Lucas and T. Kanade, An iterative image registration technique with an application to stereo vision, IJCAI 1981.
Here in its dense form: every pixel x = (column, row) has a flow v(x) = (horizontal, vertical) of its own, found by
least squares in a Gaussian window around it. No pyramid: frames of 64 x 32 show movements of a few pixels.

Letters: I is the current frame (t), P the previous one (t - 1), both grey, 0 to 255; g = (dI/dx, dI/dy) is the gradient
of I; sum_w is a sum over the pixels y around x, weighted by a Gaussian of the distance from x to y.

    F1  brightness constancy      I(x) = P(x - v)
        A point keeps its brightness while it moves by v. The flow stands on the grid of the *current* frame, beside the
        colours of the same pixel. Positive is to the right and down, in pixels per frame step, from t - 1 to t.
        To first order in v:      I(x) - P(x) + g . v = 0, one equation with two unknowns (the aperture problem).

    F2  normal equations          A v = b,   A = sum_w g g' + damping * Id,   b = sum_w g (P - I)
        The neighbours in the window are taken to move like x itself, so there are many equations for two unknowns.
        `damping` (grey levels per pixel, squared) penalises a large flow. In a window without texture, A would be
        singular without it; with it, the flow there is 0. At a single straight edge, A has one small eigenvalue, and
        the flow is the movement across the edge.

    F3  solution of the 2 x 2     v = [Ayy bx - Axy by,  Axx by - Axy bx] / (Axx Ayy - Axy Axy)

    F4  refinement by warping     b = sum_w g (P(y - u(y)) - I(y) + g . u(y)),   then F2, F3
        F1 was linearised at v = 0: right for less than a pixel only. So take the flow u found so far, move P by it,
        and linearise there: I(y) - P(y - u) + g . (v - u) = 0. With u = 0 this is F2. The unknown is still the whole
        flow v, not the rest v - u: each neighbour has its own u, and `damping` stays the same however often we repeat.

Mirroring left and right: the flow of two mirrored frames is the mirrored flow with its horizontal part negated, bit by
bit. For this, neighbours at +k and -k are added to each other first, and a shift is split into whole and part in the
same way on both sides of 0. So prepared frames can be mirrored exactly: byte -> 254 - byte.
"""

import numpy as np

# The byte that means "no movement". It fills the first frame of a track, which has no frame before it.
ZERO = 127
FRAMES_AT_ONCE = 8  # a few frames of 64 x 32 stay in the processor's cache; the result does not depend on it


def luma(frames: np.ndarray) -> np.ndarray:
    """Grey value of red, green, blue (ITU-R BT.601): (..., 3) uint8 -> (...) float32, 0 to 255."""
    red, green, blue = (frames[..., channel].astype(np.float32) for channel in range(3))
    return np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue


def gaussian(sigma: float) -> list[float]:
    """Weights at distance 0, 1, 2, ... up to 2.5 sigma of a symmetric window whose weights sum to 1."""
    half = np.exp(-0.5 * (np.arange(int(2.5 * sigma) + 1) / sigma) ** 2)
    return [float(weight) for weight in half / (half[0] + 2.0 * half[1:].sum())]


def window_sum(images: np.ndarray, weights: list[float]) -> np.ndarray:
    """sum_w at every pixel, (..., H, W) -> (..., H, W). Pixels outside the frame do not take part.

    A two-dimensional Gaussian is the product of two one-dimensional ones: columns first, then rows.
    """
    reach = len(weights) - 1
    edges = [(0, 0)] * (images.ndim - 2)
    height, width = images.shape[-2:]
    padded = np.pad(images, [*edges, (0, 0), (reach, reach)])
    summed = weights[0] * images
    for k in range(1, reach + 1):
        left, right = padded[..., reach - k : reach - k + width], padded[..., reach + k : reach + k + width]
        summed += weights[k] * (left + right)
    padded = np.pad(summed, [*edges, (reach, reach), (0, 0)])
    summed = weights[0] * summed
    for k in range(1, reach + 1):
        above, below = padded[..., reach - k : reach - k + height, :], padded[..., reach + k : reach + k + height, :]
        summed += weights[k] * (above + below)
    return summed


def warp(images: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """P(x - v): each image read where its pixels come from, bilinear, edge pixels repeated outside.

    images (T, H, W) float, flow (T, H, W, 2) -> (T, H, W) of the dtype of images.
    """
    count, height, width = images.shape
    rows = np.arange(height)[:, None]
    near_x, far_x, part_x = _neighbours(np.arange(width), -flow[..., 0], width)
    near_y, far_y, part_y = _neighbours(rows, -flow[..., 1], height)
    first = (np.arange(count) * (height * width))[:, None, None]
    flat = images.reshape(-1)
    near_y, far_y = first + near_y * width, first + far_y * width
    near = (1 - part_x) * flat[near_y + near_x] + part_x * flat[near_y + far_x]
    far = (1 - part_x) * flat[far_y + near_x] + part_x * flat[far_y + far_x]
    return (1 - part_y) * near + part_y * far


def _neighbours(index: np.ndarray, shift: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two pixels around index + shift along one axis, and the weight of the second one.

    The shift is rounded towards zero; the second pixel is the next in its direction. So +shift and -shift are alike.
    """
    shift = np.clip(shift, -size, size)
    whole = np.trunc(shift)
    part = shift - whole
    near = index + whole.astype(np.intp)
    far = near + np.sign(part).astype(np.intp)
    return np.clip(near, 0, size - 1), np.clip(far, 0, size - 1), np.abs(part)


def lucas_kanade(
    previous: np.ndarray, current: np.ndarray, *, sigma: float = 2.0, iterations: int = 4, damping: float = 1.0
) -> np.ndarray:
    """Flow from previous to current, for each pixel of current (F1 to F4).

    previous, current: (T, H, W) float, grey values 0 to 255, T independent pairs of frames, H and W at least 2.
    sigma: of the Gaussian window, in pixels. iterations: solutions of F3; the first one starts from no movement.
    Returns (T, H, W, 2) of their dtype: horizontal (right is positive), then vertical (down is positive), in pixels,
    clipped to the reach of the window (2.5 sigma): a larger movement cannot be found.
    """
    weights = gaussian(sigma)
    gx, gy = np.gradient(current, axis=-1), np.gradient(current, axis=-2)
    axx = window_sum(gx * gx, weights) + damping  # F2
    axy = window_sum(gx * gy, weights)
    ayy = window_sum(gy * gy, weights) + damping
    determinant = axx * ayy - axy * axy  # at least damping^2
    reach = len(weights) - 1
    flow = np.zeros((*current.shape, 2), current.dtype)
    for _ in range(iterations):
        residual = warp(previous, flow) - current + (gx * flow[..., 0] + gy * flow[..., 1])  # F4
        bx, by = window_sum(gx * residual, weights), window_sum(gy * residual, weights)
        solution = np.stack([ayy * bx - axy * by, axx * by - axy * bx], axis=-1) / determinant[..., None]  # F3
        flow = np.clip(solution, -reach, reach)
    return flow


def quantise(flow: np.ndarray, scale: int) -> np.ndarray:
    """Flow in pixels -> bytes, 127 + round(flow * scale), clipped to 0 ... 254: the same range in both directions."""
    return np.clip(ZERO + np.rint(flow * scale), 0, 2 * ZERO).astype(np.uint8)


def dequantise(flow_bytes: np.ndarray, scale: int) -> np.ndarray:
    """Bytes -> flow in pixels, float32. The error is at most half a step, 1 / (2 scale), unless it was clipped."""
    return (flow_bytes.astype(np.float32) - np.float32(ZERO)) / np.float32(scale)


def track_flow(frames: np.ndarray, scale: int) -> np.ndarray:
    """Quantised flow of one track, frame t against frame t - 1: (T, H, W, 3) uint8 -> (T, H, W, 2) uint8."""
    flow = np.full((*frames.shape[:3], 2), ZERO, np.uint8)
    grey = luma(frames)
    for start in range(1, len(frames), FRAMES_AT_ONCE):
        stop = min(start + FRAMES_AT_ONCE, len(frames))
        flow[start:stop] = quantise(lucas_kanade(grey[start - 1 : stop - 1], grey[start:stop]), scale)
    return flow
