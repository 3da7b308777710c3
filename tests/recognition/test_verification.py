"""Evaluation of a study: pairs, sets and templates, with whatever embeds them."""

from pathlib import Path

import numpy as np
import pytest

from forget.data.dataset import FaceDataset, Images
from forget.data.recognition.verification_bin import write_verification_bin
from forget.data.recognition.verification_set import VerificationSet, write_verification_npz
from forget.data.split import split_by_identity
from forget.errors import ForgetError
from forget.metrics.cosines import pair_cosines
from forget.recognition.evaluation import HELD_OUT, chosen_sets, evaluate_study
from forget.recognition.settings import (
    DataSettings,
    EvaluationData,
    EvaluationSettings,
    Settings,
)
from forget.recognition.verification import held_out_pairs, judged, read_set, set_pairs

KEYS = EvaluationSettings(num_folds=2, fmr_thresholds=[0.1, 0.5])


def brightness(images: Images) -> np.ndarray:
    """Means over the four quarters of each colour: enough to tell flat pictures apart."""
    small = images.reshape(len(images), 2, images.shape[1] // 2, 2, images.shape[2] // 2, -1)
    return small.mean(axis=(2, 4)).reshape(len(images), -1) + 1.0


def pairs_of(crops: Path) -> VerificationSet:
    people = sorted(one for one in crops.iterdir())
    data = [[(one / f"{k}.png").read_bytes() for k in range(2)] for one in people]
    images, same = [], []
    for k, mine in enumerate(data):
        images += [*mine, mine[0], data[k - 1][1]]
        same += [True, False]
    return VerificationSet(tuple(images), np.array(same), "crops")


@pytest.mark.parametrize("suffix", [".bin", ".npz"])
def test_a_released_set_is_embedded_picture_by_picture(
    crops: Path, tmp_path: Path, suffix: str
) -> None:
    own, path = pairs_of(crops), tmp_path / f"set{suffix}"
    (write_verification_bin if suffix == ".bin" else write_verification_npz)(own, path)
    told: list[tuple[int, int]] = []
    seen: list[int] = []

    def embed(images: Images) -> np.ndarray:
        seen.append(len(images))
        return brightness(images)

    found = set_pairs(
        embed, read_set(path), 5, lambda done, total, note="": told.append((done, total))
    )
    assert sum(seen) == 12  # each file once, though there are 24 images in 12 pairs
    assert told[-1] == (12, 12)
    for k in range(len(own)):
        a, b = (brightness(one[None])[0] for one in own.pair(k))
        assert np.array_equal(found.first[k], a)
        assert np.array_equal(found.second[k], b)
    report = judged(found, KEYS)
    assert report["accuracy [share]"] == 1.0
    assert report["TAR at FAR 0.5, iso [share]"] == 1.0


def test_a_folder_with_pairs_is_a_set_too(crops: Path, tmp_path: Path) -> None:
    for one in ("Anna", "Bert"):
        (tmp_path / "lfw" / one).mkdir(parents=True)
        for k in range(2):
            data = (crops / one.lower() / f"{k}.png").read_bytes()
            (tmp_path / "lfw" / one / f"{one}_{k + 1:04d}.jpg").write_bytes(data)
    (tmp_path / "pairs.txt").write_text("1\nAnna\t1\t2\nAnna\t1\tBert\t2\n")
    assert read_set(tmp_path).same.tolist() == [True, False]


def test_held_out_pairs_are_half_genuine_in_each_fold(orl: FaceDataset) -> None:
    embed = brightness
    found = held_out_pairs(lambda images: embed(images[..., None]), orl, folds=4)
    assert found.same.reshape(4, -1).sum(1).tolist() == [30] * 4  # 40 people, 3 pairs of each
    assert len(found.same) == 240
    again = held_out_pairs(lambda images: embed(images[..., None]), orl, folds=4)
    assert np.array_equal(found.first, again.first)
    held = brightness(orl.images[split_by_identity(orl).test][..., None])
    known = {one.tobytes() for one in held}
    assert {one.tobytes() for one in (*found.first, *found.second)} <= known
    genuine = pair_cosines(found.first, found.second)
    assert genuine[found.same].mean() > genuine[~found.same].mean()


def test_too_few_held_out_photographs_are_told(orl: FaceDataset) -> None:
    with pytest.raises(ForgetError, match="at least 50 pairs"):
        held_out_pairs(lambda images: brightness(images[..., None]), orl.only(["s01"]), folds=50)


def test_sets_are_those_with_a_path_or_those_asked_for(crops: Path, tmp_path: Path) -> None:
    assert chosen_sets(Settings()) == [HELD_OUT]
    path = tmp_path / "own.npz"
    write_verification_npz(pairs_of(crops), path)
    settings = Settings(
        data=DataSettings(evaluation=EvaluationData(lfw=str(path))), evaluation=KEYS
    )
    assert chosen_sets(settings) == ["lfw"]
    assert chosen_sets(settings, [HELD_OUT]) == [HELD_OUT]
    with pytest.raises(ForgetError, match="a path of cfp_fp"):
        chosen_sets(settings, ["cfp_fp"])
    with pytest.raises(ForgetError, match="sets of lfw"):
        chosen_sets(settings, ["mnist"])
    reports, curves = evaluate_study(settings, {"a": brightness, "b": brightness}, ["lfw"])
    assert repr(reports["a"]) == repr(reports["b"])  # some are no numbers
    assert reports["a"]["lfw"]["genuine [pairs]"] == 6
    assert list(curves["lfw"]) == ["a", "b"]
    with pytest.raises(ForgetError, match="photographs of the study"):
        evaluate_study(settings, {"a": brightness}, [HELD_OUT])
