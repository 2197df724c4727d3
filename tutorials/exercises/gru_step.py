"""Exercise to tutorial 3: one step of a GRU, forward and backward. Fill in the two functions.

    F1  z = sigmoid(az),  az = x Wz + h' Uz + bz
    F2  r = sigmoid(ar),  ar = x Wr + h' Ur + br
    F3  q = r h'                                          element by element
    F4  c = tanh(ac),     ac = x Wc + q Uc + bc
    F5  h = (1 - z) h' + z c                              element by element

Shapes: x (N, D); h' (called h_prev) and z, r, q, c, h (N, S); Wz, Wr, Wc (D, S); Uz, Ur, Uc (S, S); bz, br, bc (S,).
N clips, D inputs, S states. Products with a W or a U are matrix products. A gradient is shaped like its value.

To check it, in the top folder of the repository:

    minireid gradcheck tutorials/exercises/gru_step.py --like gru
"""


def step_forward(x, h_prev, p):
    """x (N, D), h_prev (N, S), p: dict of the nine parameters by name -> h (N, S), cache.

    The cache is yours: whatever step_backward will need.
    """
    raise NotImplementedError("write F1 to F5")


# Here is room for the derivation: who uses whom, and what each value receives.


def step_backward(dh, cache):
    """dh (N, S), cache as step_forward made it -> dx (N, D), dh_prev (N, S), grads: dict of the nine, named as in p."""
    raise NotImplementedError("walk back from F5 to F1")
