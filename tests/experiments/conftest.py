"""What every test of sweeps has: one core."""

from collections.abc import Iterator

import pytest

from minireid.experiments import workers


@pytest.fixture(scope="session", autouse=True)
def one_core() -> Iterator[None]:
    """Two threads would only wait for each other on images as small as the tests'."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "cores", lambda: 1)
        yield
