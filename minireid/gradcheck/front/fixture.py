"""A pytest fixture. In conftest.py, or at the top of a test file:

    from minireid.gradcheck.front.fixture import gradients

    def test_my_layer(gradients):
        gradients(forward, backward, x, w)   # two functions
        gradients(Linear(5, 7), x)           # an object
        gradients.loss(softmax_loss, x, y)   # the loss and its gradients in one call

No plugin is installed. The whole report stands in the failure.
"""

from typing import Any

import pytest

from minireid.gradcheck.check import check, check_loss
from minireid.gradcheck.report import Report


class Gradients:
    """Called like `check`; `loss` is called like `check_loss`. What is wrong is an AssertionError with the report."""

    def __call__(self, *arguments: Any, **config: Any) -> Report:
        __tracebackhide__ = True
        return passed(check(*arguments, **config))

    def loss(self, *arguments: Any, **config: Any) -> Report:
        __tracebackhide__ = True
        return passed(check_loss(*arguments, **config))


def passed(report: Report) -> Report:
    __tracebackhide__ = True
    if not report.ok:
        raise AssertionError(f"wrong gradient\n{report}")
    return report


@pytest.fixture
def gradients() -> Gradients:
    """Checks gradients: gradients(forward, backward, x, w), gradients(layer, x), gradients.loss(f, x, y)."""
    return Gradients()
