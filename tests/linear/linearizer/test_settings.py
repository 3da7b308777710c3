"""Settings of a Linearizer are checked where they are written down."""

import pytest

from forget.errors import ForgetError
from forget.linear.linearizer.settings import LinearizerSettings

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("level", ["pixel", None]),
        ("dimension", [0, 1.5]),
        ("rate", [0.0, -1e-3, NAN, INF, "1e-3", True]),
        ("warm", [-0.1, 1.1, 2.0, NAN]),
        ("every", [0, -1, 2.5, True]),
        ("bank", [0, 1, 64.0]),
        ("ridge", [0.0, -1.0, NAN, INF]),
        ("latent", [-0.1, NAN]),
        ("noise", [-1.0, INF, None]),
        ("seed", [-1, 2**70, "a", 0.5]),
    ],
)
def test_a_setting_out_of_its_bounds_is_told(name: str, wrong: list[object]) -> None:
    for value in wrong:
        with pytest.raises(ForgetError) as caught:
            LinearizerSettings(**{name: value})
        assert caught.value.got == repr(value)
        assert name in caught.value.expected and caught.value.remedy.endswith(".")


def test_settings_at_their_bounds_are_taken() -> None:
    least = LinearizerSettings(dimension=1, warm=0, every=1, bank=2, latent=0, noise=0)
    assert least.noise == 0 and LinearizerSettings(warm=1, seed=10**15).warm == 1
