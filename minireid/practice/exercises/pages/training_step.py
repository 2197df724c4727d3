"""One step of training: forward, backward, clip, update.

    F1  the loss and the gradients of the batch x at p       forward and backward: loss_and_gradients, given
    F2  g = every entry of every gradient, clipped to [-limit, limit]
    F3  v = momentum v + g                                   v = g at the first step, when `velocity` is empty
    F4  p = p - learning_rate v                              in place: the caller's arrays change

p, grads and velocity are dicts of arrays with the same keys. `velocity` is the caller's dict too: after the step it
holds every v.

Shapes: x as loss_and_gradients wants it; each gradient and each v is shaped like its parameter; the loss is a number.
"""

import numpy as np


def training_step(x, p, velocity, loss_and_gradients, *, learning_rate, momentum, limit):
    """x: a batch, p: parameters, velocity: {} at first; p and velocity are changed in place -> loss."""
    loss, grads = loss_and_gradients(x, p)  # F1
    for name, gradient in grads.items():
        g = np.clip(gradient, -limit, limit)  # F2
        velocity[name] = momentum * velocity[name] + g if name in velocity else g  # F3
        p[name] -= learning_rate * velocity[name]  # F4
    return loss
