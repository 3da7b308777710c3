"""Commands end with a status and one line, never with a traceback for what a user can mend."""

import pytest

from forget.commands import GOES_ON, ended
from forget.errors import ForgetError


def raising(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize("status", [0, 1, 3])
def test_the_status_of_the_work_is_passed_on(
    status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(lambda: status) == status
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ForgetError("a folder", "a file", "Name another."), 2, "Name another."),
        (FileNotFoundError(2, "No such file", "here.csv"), 2, "No such file: here.csv"),
        (OSError("disk gone"), 2, "error: disk gone"),
        (KeyboardInterrupt(), 130, GOES_ON),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_a_user_can_mend_is_one_line(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(lambda: raising(error), GOES_ON) == status
    written = capsys.readouterr().err.strip()
    assert said in written and "\n" not in written and not written.endswith(":")


def test_a_defect_is_no_message() -> None:
    with pytest.raises(ZeroDivisionError):
        ended(lambda: raising(ZeroDivisionError()))
