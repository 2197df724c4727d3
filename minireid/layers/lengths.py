"""Which frames of a padded batch of clips are real: shared by the temporal layers."""

import numpy as np


def valid_frames(h: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    """h (N, T, ...), lengths (N,) or None -> boolean (N, T, 1, ...) that broadcasts against h.

    Raises ValueError if lengths does not hold one integer from 1 to T per clip.
    """
    N, T = h.shape[:2]
    lengths = np.full(N, T) if lengths is None else np.asarray(lengths)
    if lengths.shape != (N,) or lengths.dtype.kind not in "iu" or lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths: expected {N} integers from 1 to {T} (one per clip), got {lengths.tolist()}")
    valid = np.arange(T) < lengths[:, None]
    return valid.reshape(N, T, *[1] * (h.ndim - 2))
