"""Identity loss: softmax cross-entropy. Which of K training persons is this clip?

    F1  logp[n, k] = x[n, k] - log(sum over j of e^x[n, j])          logits x, log-probabilities logp
    F2  loss = -1/N  sum over n of  logp[n, labels[n]]

Shapes: x (N, K), labels (N,) integers from 0 to K - 1, loss a scalar (nats): the mean over clips. At initialisation,
where every person is as likely as any other, it is ln K. The largest logit of each row is subtracted first: F1 does not
change by that, and no exponential can overflow.
"""

import numpy as np


def forward(x, *, labels):
    """x (N, K) -> loss, cache. Raises ValueError where labels do not fit."""
    labels = np.asarray(labels)
    N, K = x.shape
    if labels.shape != (N,) or labels.min() < 0 or labels.max() >= K:
        raise ValueError(f"softmax: expected {N} labels from 0 to {K - 1}, got {labels.tolist()}")
    shifted = x - x.real.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # F1 (N, K)
    loss = -logp[np.arange(N), labels].mean()  # F2
    return loss, (logp, labels)


# d logp[n, l] / dx[n, k] = [k = l] - e^logp[n, k]: raise the right person, lower everybody by their probability. So
# each row of dx sums to zero: with equal upstream gradients for all logits a softmax would get no gradient at all.


def backward(dloss, cache):
    """dloss, a scalar -> dx (N, K)."""
    logp, labels = cache
    N = len(labels)
    dx = np.exp(logp)
    dx[np.arange(N), labels] -= 1
    return dx * (dloss / N)
