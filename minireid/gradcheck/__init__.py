"""Gradient checking for any pair of plain functions. Imports no layer."""

from minireid.gradcheck.check import TensorReport, assert_gradients, check

__all__ = ["TensorReport", "assert_gradients", "check"]
