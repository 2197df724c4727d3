"""Convolution and 2x2 max-pool in one, and their backward: the kernel of layers/conv_block_fused.py.

    F1  z[n, h, w, o] = b[o] + sum over kh, kw, c of  x[n, h + kh - p, w + kw - p, c] W[kh, kw, c, o]
    F2  m[n, i, j, o] = max over a, b in {0, 1} of  z[n, 2i + a, 2j + b, o];   corner[n, i, j, o] = 2a + b of this max
    F3  y = tanh(m) or relu(m), by the layer's page. Backward it is done here: dm = dy (1 - y^2) or dy (y > 0)

Three ideas make this several times faster than `direct`, then `maxpool2d`, then the activation:

- **Sums stay in registers** (vectors.py). F1 works on two rows of z, len(COLUMNS) pixels each, for LANES channels at
  once. Each sum begins as b and gets its KH KW C products. Only the largest corner of each window is written to memory:
  z is never stored. A Vector of weights is loaded once for all these sums, a number of x once for up to KW products.
- **Only one corner in four has a gradient**, the winner, and `corner` says which. So backward does a quarter of the
  products. The patch of a winner is the part of the padded x that it was computed from, KH x KW pixels:

      F4  dW[:, :, :, o] += dm[n, i, j, o] (patch of x)
      F5  (patch of dx)  += dm[n, i, j, o] W[:, :, :, o]

  A row of a patch is KW C numbers, side by side in memory. So is a row of W, once W is laid out as (O, KH, KW C). The
  Vectors run along these rows, so C may be anything. A tile is some rows of some Vectors. The windows are processed in
  bands. For each o and tile, the loop visits all winners of a band. F4 keeps a tile of dW in registers, as the sum. F5
  keeps a tile of W in registers, as a factor. F5 adds to another patch for each winner, so it loads and stores dx each
  time. A band is small enough that its patches stay in the nearest cache.
- **An image stays in the cache.** Forward and backward copy each image once, into a frame with p zeros around it. The
  frame is used again for the next image of the block.

Nothing is computed twice. Some products are wasted: windows beyond the right edge that fill up the last COLUMNS, and
zeros that fill up O, KH and KW C to whole tiles.

Threads share BLOCKS blocks of images; block k has the images k, k + BLOCKS, ... There is no race: m and dx belong to
one image, frames and lists to one block. All images add to dW and db, so each block has its own dW and db. These are
added at the end, always in the same order. No sum depends on the number of threads, so the bits do not either.

Shapes: x (N, H, Wd, C), W (KH, KW, C, O), b (O,); y, dy, m and corner (N, HP, WP, O) with HP = (H + 2p - KH + 1) // 2,
WP likewise, both at least 1; stride 1; all float32 or all float64 (slower: a float64 Vector takes two registers). NaN
and infinity come through. Backward may spread them to neighbours, because 0 times NaN is NaN. Some processors compute
denormal numbers a hundred times slower. So numbers of x and dm that would give denormal products count as 0
(`not_tiny`). Indices are unsigned: for signed ones numba checks whether they are negative, which costs as much as the
products.
"""

import numba
import numpy as np

from minireid.base.compiling import helper, jit
from minireid.kernels.vectors import (
    LANES,
    REGISTERS,
    add_to_array,
    add_to_tile,
    largest_corner,
    load_row,
    load_tile,
    repeat,
    slide,
    store,
    store_tile,
)

COLUMNS = (0,) * (REGISTERS // 4)  # pixels of z in each of F1's two rows: half of the registers are sums
TILE_ROWS = 5  # the most rows in a tile of F4 and F5: a whole kernel of 5 x 5
TILE = REGISTERS - 6  # the most Vectors in a tile; the other registers are for factors
WINDOWS = 64  # in a band: its patches fit into the cache next to the core
BLOCKS = 8  # of images. At most this many threads can work; few, because this many dW are added up


def forward(x: np.ndarray, W: np.ndarray, b: np.ndarray, *, padding: int) -> tuple[np.ndarray, np.ndarray]:
    """x (N, H, Wd, C), W (KH, KW, C, O), b (O,) -> m (N, HP, WP, O), and corner (the same shape, uint8)."""
    N, H, Wd, C = x.shape
    KH, KW, _, O = W.shape
    full = up_to(O, LANES)  # channels of zeros fill up the last Vector
    bias, filled = np.zeros(full, x.dtype), np.zeros((KH * C * KW, full), x.dtype)
    bias[:O], filled[:, :O] = b, W.swapaxes(1, 2).reshape(-1, O)
    weights = aligned_zeros(filled.size, x)  # as F1 reads them: (full / LANES, KH C KW, LANES)
    weights.reshape(-1, len(filled), LANES)[:] = filled.reshape(len(filled), -1, LANES).swapaxes(0, 1)
    m = np.empty((N, (H + 2 * padding - KH + 1) // 2, (Wd + 2 * padding - KW + 1) // 2, full), x.dtype)
    corner = np.empty(m.shape, np.uint8)
    convolve_and_pool(rows_of(x), C, padding, weights, bias, KH, (0,) * KW, m.shape, flat(m), flat(corner))
    return np.ascontiguousarray(m[..., :O]), np.ascontiguousarray(corner[..., :O])


@jit
def convolve_and_pool(x, C, p, weights, bias, KH, taps, shape, m, corner):
    # taps: a tuple of length KW. O is already a multiple of LANES.
    N, HP, WP, O = shape
    row = x.shape[2] + 2 * p * C  # numbers in a row of the frame
    for block in numba.prange(BLOCKS):
        frame = aligned_zeros(frame_size(x, C, p, KH), x)
        for n in range(block, N, BLOCKS):
            copy_in(x, n, frame, C, p)
            for o in range(0, O, LANES):
                begin = repeat(load_row(bias, o, (0,)), COLUMNS)
                for i in range(HP):
                    for j in range(0, WP, len(COLUMNS) // 2):
                        top = bottom = begin
                        k = o * KH * C * len(taps)
                        for kh in range(KH):
                            for c in range(C):
                                w = load_row(weights, k, taps)
                                seen = (2 * i + kh) * row + 2 * j * C + c
                                top = slide(top, w, frame, seen, C)  # F1, all kw
                                bottom = slide(bottom, w, frame, seen + row, C)
                                k += len(taps) * LANES
                        best, which = largest_corner(top, bottom)  # F2
                        for q in range(min(len(best), WP - j)):
                            to = ((n * HP + i) * WP + j + q) * O + o
                            store(best[q], m, to)
                            store(which[q], corner, to)


def backward(
    dy: np.ndarray,
    y: np.ndarray,
    corner: np.ndarray,
    x: np.ndarray,
    W: np.ndarray,
    *,
    padding: int,
    squashed: bool,
    need_dx: bool,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """dy, y, corner (N, HP, WP, O), x, W -> dx (None if need_dx is False), dW, db.

    squashed: y = tanh(m); otherwise y = relu(m). ValueError if dy does not have y's shape: compiled loops do not check
    that an index is inside its array.
    """
    if not dy.shape == y.shape == corner.shape:
        raise ValueError(f"conv_block: expected dy of y's shape {y.shape}, got {dy.shape}")
    KH, KW, C, O = W.shape
    rows = evenly(KH, TILE_ROWS)
    columns = evenly(-(-KW * C // LANES), TILE // rows)
    height, length = up_to(KH, rows), up_to(KW * C, columns * LANES)  # KH and KW C, filled up to whole tiles
    weights = aligned_zeros(O * height * length, W)
    weights.reshape(O, height, length)[:, :KH, : KW * C] = W.transpose(3, 0, 1, 2).reshape(O, KH, KW * C)
    dW, db = aligned_zeros(BLOCKS * weights.size, W), np.zeros((BLOCKS, O), W.dtype)
    dx = np.empty(x.shape if need_dx else (0, *x.shape[1:]), x.dtype)
    winners = flat(dy), flat(y), flat(corner), squashed
    tiles = (height, length), (0,) * rows, (0,) * columns
    add_gradients(rows_of(x), C, padding, dy.shape, *winners, weights, *tiles, dW, db, rows_of(dx))
    dW = dW.reshape(BLOCKS, O, height, length).sum(axis=0)[:, :KH, : KW * C].reshape(O, KH, KW, C)
    return dx if need_dx else None, np.ascontiguousarray(dW.transpose(1, 2, 3, 0)), db.sum(axis=0)


@jit
def add_gradients(x, C, p, shape, dy, y, corner, squashed, weights, size, rows, columns, dW, db, dx):
    N, HP, WP, O = shape
    height, length = size
    row = x.shape[2] + 2 * p * C
    band = max(1, WINDOWS // WP)  # rows of windows
    for block in numba.prange(BLOCKS):
        frame = aligned_zeros(frame_size(x, C, p, height) + length, x)
        dframe = aligned_zeros(frame.size if len(dx) else 0, x)
        dm, first = np.empty(band * WP * O, x.dtype), np.empty(band * WP * O, np.int32)
        for n in range(block, N, BLOCKS):
            copy_in(x, n, frame, C, p)
            dframe[:] = 0
            for i in range(0, HP, band):
                end = min(i + band, HP)
                list_winners(dy, y, corner, squashed, n, i, end, shape, row, C, dm, first, db[block])
                for o in range(O):
                    winners = range(np.uint64(o), np.uint64((end - i) * WP * O), np.uint64(O))
                    for kh in range(0, height, len(rows)):
                        for v in range(0, length, len(columns) * LANES):
                            seen = kh * row + v
                            k = (o * height + kh) * length + v
                            total = load_tile(dW, block * weights.size + k, length, rows, columns)
                            for winner in winners:
                                total = add_to_tile(total, dm[winner], frame, first[winner] + seen, row)  # F4
                            store_tile(total, dW, block * weights.size + k, length)
                            if len(dx):
                                w = load_tile(weights, k, length, rows, columns)
                                for winner in winners:
                                    add_to_array(dm[winner], w, dframe, first[winner] + seen, row)  # F5
            if len(dx):
                copy_out(dframe, n, dx, C, p)


@helper
def list_winners(dy, y, corner, squashed, n, i, end, shape, row, C, dm, first, db):
    """For the windows in rows i to end: dm (F3), and in `first` the index in the frame at which the patch begins."""
    _, HP, WP, O = shape
    start, count = (n * HP + i) * WP * O, (end - i) * WP * O
    dys, ys, corners = dy[start : start + count], y[start : start + count], corner[start : start + count]
    one, zero = dm.dtype.type(1), dm.dtype.type(0)
    for k in range(count):
        slope = one - ys[k] * ys[k] if squashed else one if ys[k] > 0 else zero
        dm[k] = not_tiny(dys[k] * slope)
    k = np.uint64(0)
    for h in range(i, end):
        for j in range(WP):
            for o in range(np.uint64(O)):
                db[o] += dm[k]
                first[k] = (2 * h + (corners[k] >> 1)) * row + (2 * j + (corners[k] & 1)) * C
                k += np.uint64(1)


@helper
def aligned_zeros(size, like):
    """(size,) zeros of `like`'s dtype that begin at a cache line: a load across two lines takes twice as long."""
    space = np.zeros(size + 64 // like.itemsize, like.dtype)
    skipped = -space.ctypes.data % 64 // like.itemsize
    return space[skipped : skipped + size]


@helper
def frame_size(x, C, p, KH):
    """Numbers in a frame: an image of x (N, H, Wd C) with its zeros, and room beyond its end.

    F1 reads less than COLUMNS pixels beyond the end. F4 and F5 reach less than KH rows beyond it, and a row of tiles
    more, which the caller adds.
    """
    return (x.shape[1] + 2 * p + KH) * (x.shape[2] + 2 * p * C) + len(COLUMNS) * C


@helper
def copy_in(x, n, frame, C, p):
    _, H, length = x.shape
    for h in range(H):
        start = (h + p) * (length + 2 * p * C) + p * C
        row, into = x[n, h], frame[start : start + length]
        for k in range(length):
            into[k] = not_tiny(row[k])


@helper
def copy_out(frame, n, dx, C, p):
    _, H, length = dx.shape
    for h in range(H):
        start = (h + p) * (length + 2 * p * C) + p * C
        dx[n, h] = frame[start : start + length]


@helper
def not_tiny(number):
    """0 if |number| is below 10^8 times the smallest normal number, else the number; NaN stays NaN."""
    return type(number)(0) if abs(number) < 1e8 * np.finfo(type(number)).tiny else number


def evenly(n: int, most: int) -> int:
    """The size of a piece when n is cut into the fewest pieces of at most `most`, as equal as possible."""
    return -(-n // -(-n // most))


def up_to(n: int, unit: int) -> int:
    """The smallest multiple of `unit` that is at least n."""
    return -(-n // unit) * unit


def rows_of(x: np.ndarray) -> np.ndarray:
    """x (N, H, Wd, C) as (N, H, Wd C)."""
    return np.ascontiguousarray(x).reshape(len(x), x.shape[1], x.shape[2] * x.shape[3])


def flat(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x).reshape(-1)
