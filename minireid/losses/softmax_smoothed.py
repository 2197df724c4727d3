"""Identification with label smoothing: softmax cross-entropy, soft target.

    F1  logp[n, k] = x[n, k] - log(sum over j of e^x[n, j])                    logits x, log-probabilities logp
    F2  q[n, k] = smoothing / K + (1 - smoothing) [k = labels[n]]              target: a small part for every person
    F3  loss = -1/N  sum over n and k of  q[n, k] logp[n, k]

(Szegedy et al. 2016, section 7.) Plain cross-entropy (softmax.py, smoothing = 0) is smallest when the right logit is
infinitely far above the others, so on the training persons its gradient never becomes 0. Here the optimum is a finite
gap, log(1 + K (1 - smoothing) / smoothing). The smallest loss is the entropy of q, not 0.

Shapes: x (N, K), labels (N,) integers from 0 to K - 1, loss a scalar (nats): the mean over clips. The right person gets
1 - smoothing + smoothing / K, and all K targets sum to 1. This is the form of the paper and of PyTorch. (Some re-ID
code spreads the smoothing over the other K - 1 persons only.) At first the loss is about ln K, as without smoothing.
"""

import numpy as np


def forward(x, *, labels, smoothing: float = 0.1):
    """x (N, K) -> loss, cache. Raises ValueError if labels or smoothing have a wrong shape or value."""
    labels = np.asarray(labels)
    N, K = x.shape
    if labels.shape != (N,) or labels.min() < 0 or labels.max() >= K:
        raise ValueError(f"softmax_smoothed: expected {N} labels from 0 to {K - 1}, got {labels.tolist()}")
    if not 0 <= smoothing < 1:
        raise ValueError(f"softmax_smoothed: smoothing must lie in [0, 1), got {smoothing}")
    shifted = x - x.real.max(axis=1, keepdims=True)  # so that no exponential can overflow
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # F1 (N, K)
    q = np.full((N, K), smoothing / K, x.dtype)
    q[np.arange(N), labels] += 1 - smoothing  # F2 (N, K)
    loss = -(q * logp).sum() / N  # F3
    return loss, (logp, q)


# d logp[n, l] / dx[n, k] = [k = l] - e^logp[n, k]. The loss sums these over l with weights -q[n, l] / N. The q[n, l] of
# a row sum to 1, so dx = (probabilities - target) / N. It is 0 where the probabilities equal the target.


def backward(dloss, cache):
    """dloss, a scalar -> dx (N, K)."""
    logp, q = cache
    return (np.exp(logp) - q) * (dloss / len(q))
