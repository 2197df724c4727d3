"""Identification: softmax cross-entropy. Which of K training persons is it?

    F1  logp[n, k] = x[n, k] - log(sum over j of e^x[n, j])          logits x, log-probabilities logp
    F2  loss = -1/N  sum over n of  logp[n, labels[n]]

Shapes: x (N, K), labels (N,) integers from 0 to K - 1, loss a scalar (nats): the mean over clips. At initialisation all
persons are about equally likely, and the loss is about ln K. The largest logit of each row is subtracted first. This
does not change F1, and no exponential can overflow.
"""

import numpy as np


def forward(x, *, labels):
    """x (N, K) -> loss, cache. Raises ValueError if labels have a wrong shape or value."""
    labels = np.asarray(labels)
    N, K = x.shape
    if labels.shape != (N,) or labels.min() < 0 or labels.max() >= K:
        raise ValueError(f"softmax: expected {N} labels from 0 to {K - 1}, got {labels.tolist()}")
    shifted = x - x.real.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # F1 (N, K)
    loss = -logp[np.arange(N), labels].mean()  # F2
    return loss, (logp, labels)


# d logp[n, l] / dx[n, k] = [k = l] - e^logp[n, k]: raise the logit of the right person, lower every logit by its
# probability. So each row of dx sums to 0.


def backward(dloss, cache):
    """dloss, a scalar -> dx (N, K)."""
    logp, labels = cache
    N = len(labels)
    dx = np.exp(logp)
    dx[np.arange(N), labels] -= 1
    return dx * (dloss / N)
