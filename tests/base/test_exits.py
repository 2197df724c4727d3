import pytest

from minireid.base.errors import InputError
from minireid.base.exits import exit_code


def raising(fault: BaseException):
    def work() -> None:
        raise fault

    return work


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1)])
def test_what_work_returns(result, code, capsys):
    assert exit_code(lambda: result) == code
    assert capsys.readouterr() == ("", "")


def test_bad_input_is_one_line_and_2(capsys):
    assert exit_code(raising(InputError("expected a folder, got a file")), before="tool: ") == 2
    assert capsys.readouterr() == ("", "tool: error: expected a folder, got a file\n")


def test_a_package_that_is_not_installed_is_one_line_and_2(capsys):
    """The checker needs NumPy alone, `minireid train` more."""
    fault = ModuleNotFoundError("No module named 'numba.core'", name="numba.core")
    assert exit_code(raising(fault), before="minireid: ") == 2
    assert capsys.readouterr() == ("", "minireid: error: this needs numba, found none: pip install numba\n")
    with pytest.raises(ModuleNotFoundError):
        exit_code(raising(ModuleNotFoundError("No module named 'minireid.gone'", name="minireid.gone")))


def test_ctrl_c_is_one_line_and_130(capsys):
    assert exit_code(raising(KeyboardInterrupt()), stopped="stopped: nothing was written") == 130
    assert capsys.readouterr() == ("", "stopped: nothing was written\n")


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(ValueError):
        exit_code(raising(ValueError("ours")))
