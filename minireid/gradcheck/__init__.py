"""Gradient checking for any pair of plain functions: which tensor, which line, and why. Imports no layer.

The names that a cause can have stand in cause/causes.py, with a sentence for each.
"""

from minireid.gradcheck.check import assert_gradients, check, check_loss
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor.compare import TensorReport

__all__ = ["Report", "TensorReport", "assert_gradients", "check", "check_loss"]
