"""Convolution in three ways with one signature (loops, im2col, direct), and a fourth that includes the pool (fused).

    loops       the definition: seven nested loops in Python
    im2col      the textbook way: one matrix product, in NumPy
    direct      the loops again, compiled by numba
    fused       convolution, bias and 2x2 max-pool at once, compiled: the fast twin of the networks' block

The first three offer

    forward(x, W, b, *, stride, padding)                 -> y    (N, HO, WO, C_out)
    backward_input(dy, W, *, x_shape, stride, padding)   -> dx   (N, H, W, C_in)
    backward_weights(dy, x, *, W_shape, stride, padding) -> dW   (KH, KW, C_in, C_out)

with x (N, H, W, C_in), W (KH, KW, C_in, C_out), b (C_out,), zero padding on all four sides, and
HO = (H + 2 padding - KH) // stride + 1. Tests check that all three agree. minireid/training/ways.py
chooses which one runs.
"""
