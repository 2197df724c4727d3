"""Exercise to tutorial 4: the GRU's loop over a sequence, and backpropagation through time. Fill in the two functions.

    F1  h[t], cache[t] = step_forward(x[t], h[t - 1], p)          for t = 0, 1, ..., T - 1; h[-1] = 0

    B1  g[t] = dh[t] + dh_next                                    dh_next = 0 behind the last frame
    B2  dx[t], dh_next, step_grads = step_backward(g[t], cache[t])
        grads = the sum of step_grads over all t

[t] is frame t of all clips: x[:, t] in NumPy. Shapes: x, dx (N, T, D); h, dh (N, T, S); a frame of them (N, D) or
(N, S); each gradient shaped like its parameter. N clips, T frames, D inputs, S states (the length of p["bz"]).

To check it, in the top folder of the repository:

    minireid gradcheck tutorials/exercises/bptt.py --like gru
"""

from minireid.layers.gru import step_backward, step_forward  # noqa: F401 for you to call


def forward(x, p):
    """x (N, T, D), p: dict of the nine parameters by name -> all states h (N, T, S), cache."""
    raise NotImplementedError("write F1")


def backward(dh, cache):
    """dh (N, T, S), cache as forward made it -> dx (N, T, D), grads: dict of the nine, named as in p."""
    raise NotImplementedError("write B1 and B2, from the last frame to the first")
