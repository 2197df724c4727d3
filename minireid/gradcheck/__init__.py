"""Gradient checking for any pair of plain functions: which tensor, which line, and why. Imports no layer.

The names that a cause can have: sign, constant factor, transposed, untransposed square matrix, flipped kernel, gates
swapped, path missing, last step only, shifted by one step, = for +=, one twin lost, mask wrong, stale value,
pre-activation, activation left out, wrong activation, parameter term, padding border, stride ignored, bias axes,
detached branch, factor missing, factor twice, extra path, wrong variable, wrong index, wrong operation, wrong order,
forward differs.
"""

from minireid.gradcheck.check import assert_gradients, check, check_loss
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor.compare import TensorReport

__all__ = ["Report", "TensorReport", "assert_gradients", "check", "check_loss"]
