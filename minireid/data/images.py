"""From stored bytes to what a network reads: mirror, colour space, normalisation, crop.

    F1  Y = 0.299 R + 0.587 G + 0.114 B,  U = 0.492 (B - Y),  V = 0.877 (R - Y)     BT.601, R, G, B in [0, 1]
    F2  x = (value - mean) / spread        for every image and channel by itself; 0 where the spread is 0

A batch of clips is (N, T, H, W, C). C is 3 (colour) or 5 (colour, horizontal flow, vertical flow).
"""

import numpy as np

RGB_TO_YUV = np.array(
    [
        [0.299, 0.492 * -0.299, 0.877 * (1 - 0.299)],
        [0.587, 0.492 * -0.587, 0.877 * -0.587],
        [0.114, 0.492 * (1 - 0.114), 0.877 * -0.114],
    ],
    np.float32,
)  # F1: a row for each of R, G, B
FLOW_X = 3  # channel number
FLOW_ZERO = 127  # the byte that means: no motion


def mirror(frames: np.ndarray, which: np.ndarray, *, negate_flow: bool = True) -> None:
    """Mirror the clips n with which[n] left to right, in place. frames uint8 (N, T, H, W, C), which (N,) booleans.

    Motion to the right becomes motion to the left, so the horizontal flow changes its sign. negate_flow=False leaves
    its bytes as they are, as the baseline's code does.
    """
    frames[which] = frames[which][:, :, :, ::-1]
    if negate_flow and frames.shape[-1] > FLOW_X:
        frames[which, ..., FLOW_X] = 2 * FLOW_ZERO - frames[which, ..., FLOW_X]


def normalise(frames: np.ndarray, *, square_root: bool = False) -> np.ndarray:
    """uint8 (N, T, H, W, C), RGB (and flow) -> float32 of the same shape, YUV (and flow), each image normalised (F2).

    The spread is the standard deviation. With square_root=True it is the square root of that, as in the baseline's
    code: a channel with low contrast then still has a lower contrast than others.
    """
    *NT, H, W, C = frames.shape
    x = frames.reshape(-1, H * W, C).astype(np.float32)
    # The same numbers. With a whole row as the last axis, NumPy is several times faster.
    rows = x.reshape(-1, H, W * C)
    x[..., :3] = x[..., :3] @ (RGB_TO_YUV / 255)  # F1
    rows -= np.tile(x[:, :1], W)  # first one pixel's value: a constant channel is then exactly 0
    averaging = np.full((1, H * W), 1 / (H * W), np.float32)  # as a matrix product: much faster than .mean(axis=1)
    rows -= np.tile(averaging @ x, W)
    spread = np.sqrt(averaging @ (x * x))  # (N T, 1, C)
    spread[spread < 1e-6] = 0  # a constant channel, apart from rounding
    if square_root:
        spread = np.sqrt(spread)
    rows *= np.tile(np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0), W)  # F2
    return x.reshape(*NT, H, W, C)


def crop(x: np.ndarray, offsets: np.ndarray, size: tuple[int, int], *, recentre: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, T, *size, C), clip n cut at row offsets[n, 0] and column offsets[n, 1].

    Outside the frame there are zeros, which is the mean grey after normalisation. recentre=True subtracts the mean of
    each image and channel once more after the cut, as the baseline's code does.
    """
    (height, width), (N, T, _, _, C) = size, x.shape
    cut = np.zeros((N, T, height, width, C), x.dtype)
    for n, (i, j) in enumerate(offsets.tolist()):
        top, left = max(0, -i), max(0, -j)
        part = x[n, :, max(0, i) : max(0, i + height), max(0, j) : max(0, j + width)]
        cut[n, :, top : top + part.shape[1], left : left + part.shape[2]] = part
    return cut - cut.mean(axis=(2, 3), keepdims=True) if recentre else cut


def window(x: np.ndarray, offsets: np.ndarray, zoom: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Like crop, but the window has size / zoom[n], with the same centre: zoom > 1 enlarges.

    Linear interpolation: for each axis a matrix with two weights in each row. Two matrix products resample a
    whole clip.
    """
    (height, width), (N, T, H, W, C) = size, x.shape
    cut = np.empty((N, T, height, width, C), x.dtype)
    for n, (i, j) in enumerate(offsets.tolist()):
        rows = interpolation(i, height, H, zoom[n])  # (height, H)
        columns = interpolation(j, width, W, zoom[n])  # (width, W)
        tall = (rows @ x[n].reshape(T, H, W * C)).reshape(T * height, W, C)
        cut[n] = (columns @ tall).reshape(T, height, width, C)
    return cut


def interpolation(start: int, length: int, available: int, zoom: float) -> np.ndarray:
    """(length, available): row k has the weights of the two pixels around output pixel k; 0 outside the frame."""
    centre = start + (length - 1) / 2
    place = centre + (np.arange(length) - (length - 1) / 2) / zoom
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(available))).astype(np.float32)


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
    """mirror, normalise and window, one after the other. This is the definition; its fast twin is data/one_pass.py.

    frames uint8 (N, T, H, W, C), which (N,) booleans, offsets (N, 2), zoom (N,) -> float32 (N, T, *size, C). `frames`
    is not changed.
    """
    frames = frames.copy()
    mirror(frames, which, negate_flow=negate_flow)
    return window(normalise(frames, square_root=square_root), offsets, zoom, size)


def diagonal_views(
    H: int, W: int, size: tuple[int, int], *, crops: int, mirrored: bool, shift: int = 0
) -> list[tuple[int, int, bool]]:
    """The views that an evaluation averages over: (row, column, mirrored). The crops lie on a diagonal.

    McLaughlin et al. (2016) use 8 crops, each mirrored and not. shift: the first and the last crop reach this many
    pixels over the edge.
    """
    steps = np.linspace(0, 1, crops) if crops > 1 else np.array([0.5])
    free = (H - size[0] + 2 * shift, W - size[1] + 2 * shift)
    places = [(round(free[0] * s) - shift, round(free[1] * s) - shift) for s in steps.tolist()]
    return [(i, j, flip) for i, j in places for flip in ((False, True) if mirrored else (False,))]
