import numpy as np


def forward(scores, *, labels):
    num_train = scores.shape[0]
    scores = scores - np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    p = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    loss = np.sum(-np.log(p[range(num_train), labels]))
    return loss, (p, labels)


def backward(dloss, cache):
    p, y = cache
    num_train = p.shape[0]
    dscores = p.copy()
    dscores[range(num_train), y] -= 1
    dscores /= num_train
    return dscores * dloss
