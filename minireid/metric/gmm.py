"""A mixture of K Gaussians with diagonal covariances, fitted by expectation maximisation (Dempster et al. 1977).

    F1  log p_k(x) = -1/2 sum_d [log(2 pi var_kd) + (x_d - m_kd)^2 / var_kd]
    F2  log p(x) = log sum_k w_k p_k(x),   g_k(x) = w_k p_k(x) / p(x)          responsibility of component k
    F3  n_k = sum_f g_k(x_f),   w_k = n_k / F
    F4  m_k = sum_f g_k(x_f) x_f / n_k,   var_k = sum_f g_k(x_f) x_f^2 / n_k - m_k^2, and not below `floor`

E-step: F1-F2 with the current mixture. M-step: F3-F4. The mean of log p never falls from one round to the next. EM
ends when a round adds less than `tolerance`. There are many local maxima; the start decides which one is reached. For
the start, K frames are drawn as in k-means++ (Arthur & Vassilvitskii 2007): each with a probability proportional to its
squared distance from the nearest one drawn before. Each frame then belongs to its nearest drawn frame, and F3-F4 give
the first mixture.

Shapes: frames x (F, D), one descriptor a row; weights w (K,), means m (K, D), variances var (K, D); g (F, K).

What goes wrong: a component on a single frame has variance 0 and an infinite density. Hence the floor in F4: a
thousandth of the variance of all frames in each dimension. Sums of exp(F1) underflow, so F2 subtracts the largest
exponent first. A dimension that never varies gets variance 1e-12 and has no effect.
"""

import numpy as np

from minireid.base.errors import InputError

Mixture = dict[str, np.ndarray]
FLOOR = 1e-3


def fit(
    frames: np.ndarray, components: int, rng: np.random.Generator, *, rounds: int = 100, tolerance: float = 1e-4
) -> Mixture:
    """frames (F, D) -> weights (K,), means (K, D), variances (K, D), float64, with K = components.

    Raises ValueError for another shape; InputError for fewer different frames than components, or values not finite.
    """
    frames = np.asarray(frames, np.float64)
    if frames.ndim != 2 or components < 1 or rounds < 1:
        raise ValueError(f"gmm: expected frames (F, D), 1 or more components and rounds, got {frames.shape}")
    if not np.isfinite(frames).all():
        raise InputError("expected finite frame descriptors, got NaN or infinity: the network has diverged")
    return climb(frames, start(frames, components, rng), rounds=rounds, tolerance=tolerance)


def start(frames: np.ndarray, components: int, rng: np.random.Generator) -> Mixture:
    """The mixture that EM starts from: k-means++ draws, and each frame belongs to the nearest of them."""
    squared = np.empty((len(frames), components))
    odds = np.ones(len(frames))
    for k in range(components):
        if not odds.any():
            raise InputError(f"expected at least {components} different frame descriptors, got {k}: use fewer")
        drawn = frames[rng.choice(len(frames), p=odds / odds.sum())]
        squared[:, k] = ((frames - drawn) ** 2).sum(axis=1)
        odds = squared[:, : k + 1].min(axis=1)
    nearest = squared.argmin(axis=1)
    return maximise(frames, np.eye(components)[nearest], floor_of(frames))


def climb(frames: np.ndarray, mixture: Mixture, *, rounds: int, tolerance: float) -> Mixture:
    """EM from this mixture: at most `rounds`, until a round adds less than `tolerance` to the mean of log p."""
    floor, before = floor_of(frames), -np.inf
    for _ in range(rounds):
        log_p, g = responsibilities(frames, mixture)
        mixture = maximise(frames, g, floor)
        if log_p.mean() - before < tolerance:
            break
        before = log_p.mean()
    return mixture


def responsibilities(x: np.ndarray, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """x (F, D) -> log p (F,), g (F, K): the E-step."""
    w, m, var = mixture["weights"], mixture["means"], mixture["variances"]
    apart = np.stack([((x - m[k]) ** 2 / var[k]).sum(axis=1) for k in range(len(w))], axis=1)  # (F, K)
    joint = np.log(w) - (np.log(2 * np.pi * var).sum(axis=1) + apart) / 2  # F1 and log w
    top = joint.max(axis=1, keepdims=True)
    log_p = top + np.log(np.exp(joint - top).sum(axis=1, keepdims=True))  # F2
    return log_p[:, 0], np.exp(joint - log_p)


def maximise(x: np.ndarray, g: np.ndarray, floor: np.ndarray) -> Mixture:
    """x (F, D), g (F, K) -> the mixture: the M-step."""
    n = g.sum(axis=0) + 10 * np.finfo(float).eps  # a component without frames keeps a tiny weight
    m = g.T @ x / n[:, None]
    var = np.stack([g[:, k] @ (x - m[k]) ** 2 for k in range(len(n))]) / n[:, None]  # F4, without cancellation
    return {"weights": n / n.sum(), "means": m, "variances": np.maximum(var, floor)}  # F3


def floor_of(frames: np.ndarray) -> np.ndarray:
    """frames (F, D) -> the smallest variance allowed in each dimension (D,)."""
    return np.maximum(FLOOR * frames.var(axis=0), 1e-12)
