"""Optimisers: from gradients to the next parameters. Each is one update rule on one array.

    step(p, g, state, *, ...) changes the array p in place and returns the new state (a dict of arrays).

An empty state means the first step. `update` applies a rule to every array of a tree.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minireid.base.trees import Tree, leaves

State = dict[str, np.ndarray]


def sgd(
    p: np.ndarray, g: np.ndarray, state: State, *, learning_rate: float, momentum: float, dampening: float
) -> State:
    """Gradient descent with momentum (Polyak 1964).

        F1  v = momentum v + (1 - dampening) g          v = g at the first step
        F2  p = p - learning_rate v

    The state is {"v": v}. dampening=0 is the textbook form. Torch7's default is dampening = momentum. With momentum
    0.9, its steps are a tenth as long. With dampening=0, the baseline's learning rate 1e-3 is therefore ten times too
    high.
    """
    v = momentum * state["v"] + (1 - dampening) * g if state else g.copy()  # F1
    p -= learning_rate * v  # F2
    return {"v": v}


def rmsprop(p: np.ndarray, g: np.ndarray, state: State, *, learning_rate: float, decay: float = 0.9) -> State:
    """RMSProp (Tieleman & Hinton 2012): the step is the gradient divided by its recent size.

    F1  s = decay s + (1 - decay) g^2
    F2  p = p - learning_rate g / (sqrt(s) + 1e-8)
    """
    s = decay * state["s"] + (1 - decay) * g * g if state else (1 - decay) * g * g  # F1
    p -= learning_rate * g / (np.sqrt(s) + 1e-8)  # F2
    return {"s": s}


def adam(
    p: np.ndarray, g: np.ndarray, state: State, *, learning_rate: float, beta1: float = 0.9, beta2: float = 0.999
) -> State:
    """Adam (Kingma & Ba 2015): momentum divided by the gradient's recent size; both are corrected for their start at 0.

    F1  m = beta1 m + (1 - beta1) g
    F2  s = beta2 s + (1 - beta2) g^2
    F3  p = p - learning_rate (m / (1 - beta1^k)) / (sqrt(s / (1 - beta2^k)) + 1e-8)       k: step, from 1
    """
    state = state or {"m": np.zeros_like(p), "s": np.zeros_like(p), "k": np.zeros((), np.int64)}
    k = state["k"] + 1
    m = beta1 * state["m"] + (1 - beta1) * g  # F1
    s = beta2 * state["s"] + (1 - beta2) * g * g  # F2
    scale = float(learning_rate / (1 - beta1**k))
    p -= scale * m / (np.sqrt(s / float(1 - beta2**k)) + 1e-8)  # F3
    return {"m": m, "s": s, "k": k}


def update(rule: Callable[..., State], params: Tree, grads: Tree, states: dict[str, State], **settings: Any) -> None:
    """Apply `rule` to every array of params, in place, with its gradient and its own state (by the array's name)."""
    gradients = dict(leaves(grads))
    for name, p in leaves(params):
        states[name] = rule(p, gradients[name], states.get(name, {}), **settings)


def state_is_whole(optimiser: str, params: Tree, states: dict[str, State], step: int) -> bool:
    """Are these the states of all parameters after `step` steps? Without its state, a parameter would start afresh."""
    if step == 0:
        return not states
    for name, p in leaves(params):
        kinds = {key: (array.shape, array.dtype) for key, array in states.get(name, {}).items()}
        if kinds != {key: ((), np.dtype(np.int64)) if key == "k" else (p.shape, p.dtype) for key in KEPT[optimiser]}:
            return False
        if "k" in kinds and states[name]["k"] != step:
            return False
    return len(states) == len(leaves(params))


def clip_elements(grads: Tree, limit: float) -> None:
    """Clamp every element of every gradient to [-limit, limit], in place (McLaughlin et al. 2016: 5)."""
    for _, g in leaves(grads):
        np.clip(g, -limit, limit, out=g)


def decay_weights(params: Tree, factor: float) -> None:
    """Multiply every weight matrix and kernel by `factor`, in place (decoupled weight decay, Loshchilov & Hutter 2019).

    Vectors stay: biases, s of elman_unsquashed, w of attentive_rnn, v of similarity.
    """
    for _, p in leaves(params):
        if p.ndim > 1:
            p *= p.dtype.type(factor)


def cosine(step: int, steps: int) -> float:
    """Learning-rate factor that falls from 1 to 0 along half a cosine (Loshchilov & Hutter 2017)."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))


def constant(step: int, steps: int) -> float:
    """Learning-rate factor 1."""
    return 1.0


KEPT = {"sgd": ("v",), "rmsprop": ("s",), "adam": ("m", "s", "k")}  # the arrays of a state; k is one number
RULES: dict[str, Callable[..., State]] = {"sgd": sgd, "rmsprop": rmsprop, "adam": adam}
SCHEDULES = {"constant": constant, "cosine": cosine}
