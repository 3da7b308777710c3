"""Verification as a study asks for it: by pairs of released sets, or of held-out photographs."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forget.data.dataset import FaceDataset, Indices
from forget.data.recognition.pairs import read_pair_images, read_pairs
from forget.data.recognition.verification_bin import read_verification_bin
from forget.data.recognition.verification_set import VerificationSet, read_verification_npz
from forget.data.split import split_by_identity
from forget.errors import ForgetError
from forget.metrics.evaluation import Report, evaluate_pairs
from forget.progress import OnStep, silent
from forget.recognition.embedding import Embed
from forget.recognition.settings import EvaluationSettings

__all__ = ["PairFeatures", "held_out_pairs", "judged", "read_set", "set_pairs"]


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """Features of p pairs.

    Arguments:
        first: Of the first photographs, (p, d).
        second: Of the second ones, (p, d).
        same: Whether both show one person, (p,).
    """

    first: NDArray[np.float64] = field(repr=False)
    second: NDArray[np.float64] = field(repr=False)
    same: NDArray[np.bool_]


def read_set(path: Path) -> VerificationSet:
    """Reads a released set of pairs.

    Arguments:
        path: A .bin or .npz of pairs, or a folder with pairs.txt and one folder per person,
            which may lie in a folder of the same name as the release calls it.

    Raises:
        ForgetError: Nothing of the kind, or a broken file.
    """
    if path.is_dir():
        return read_pair_images(read_pairs(path / "pairs.txt"), _people(path))
    if path.suffix == ".npz":
        return read_verification_npz(path)
    return read_verification_bin(path)


def set_pairs(
    embed: Embed, pairs: VerificationSet, batch: int = 128, on_step: OnStep = silent
) -> PairFeatures:
    """Embeds the photographs of a released set, each one once.

    Raises:
        PhotographError: One that cannot be read, or of another size than the others.
    """
    place: dict[bytes, int] = {}
    which = np.array([place.setdefault(image, len(place)) for image in pairs.images])
    firsts = np.unique(which, return_index=True)[1]
    features = []
    for start in range(0, len(firsts), batch):
        some = [pairs.image(int(k)) for k in firsts[start : start + batch]]
        if len({image.shape for image in some}) > 1:
            sizes = sorted({f"{image.shape[1]} x {image.shape[0]}" for image in some})
            raise ForgetError(
                "aligned crops of one size",
                f"{', '.join(sizes)} in {pairs.name}",
                "Align them first: forget.data.recognition.align.",
            )
        features.append(embed(np.stack(some)))
        on_step(start + len(some), len(firsts), f"photographs of {pairs.name}")
    rows = np.concatenate(features)[which]
    return PairFeatures(rows[0::2], rows[1::2], np.asarray(pairs.same, dtype=bool))


def held_out_pairs(
    embed: Embed, faces: FaceDataset, folds: int = 10, seed: int = 0, batch: int = 128
) -> PairFeatures:
    """Pairs of photographs that the linear part has not learned, where no released set is there.

    All pairs of one person's held-out photographs, and as many of two people drawn at random, so
    that every fold has as many of each.

    Raises:
        ForgetError: Too few people with two held-out photographs for the folds.
    """
    split = split_by_identity(faces)
    first, second, same = _pairs(faces, split.test, folds, np.random.default_rng(seed))
    needed = np.union1d(first, second)
    parts = [
        embed(faces.images[needed[start : start + batch]])
        for start in range(0, len(needed), batch)
    ]
    rows = np.concatenate(parts)
    a, b = (rows[np.searchsorted(needed, one)] for one in (first, second))
    return PairFeatures(a, b, same)


def judged(pairs: PairFeatures, keys: EvaluationSettings) -> Report:
    """Accuracy over folds, rates and warnings of pairs; FNMR at a FMR is 1 less TAR at that FAR.

    Raises:
        ForgetError: Pairs of one kind only, or settings that no report can have.
    """
    rates = sorted(keys.fmr_thresholds)
    return evaluate_pairs(pairs.first, pairs.second, pairs.same, keys.num_folds, rates)


def _people(folder: Path) -> Path:
    inner = [one for one in (folder / folder.name, folder / "lfw") if one.is_dir()]
    return inner[0] if inner else folder


def _pairs(
    faces: FaceDataset, held_out: Indices, folds: int, draw: np.random.Generator
) -> tuple[Indices, Indices, NDArray[np.bool_]]:
    """Indices of both photographs of each pair, fold by fold, and whether it is one person."""
    of: dict[str, list[int]] = {}
    for index in held_out.tolist():
        of.setdefault(faces.labels[index], []).append(index)
    genuine = np.array(
        [(a, b) for mine in of.values() for i, a in enumerate(mine) for b in mine[:i]]
    )
    each = len(genuine) // folds
    if each < 1 or len(of) < 2:
        raise ForgetError(
            f"at least {folds} pairs of held-out photographs of one person",
            f"{len(genuine)} of {len(of)} people in {faces.name}",
            "Name a released set under data.evaluation, or set evaluation.num_folds lower.",
        )
    genuine = genuine[: each * folds]  # in order of people: a person lies in one fold or two
    impostor = _strangers(faces, held_out, len(genuine), draw)
    order = np.concatenate(
        [
            np.concatenate([np.arange(each) + k * each, len(genuine) + np.arange(each) + k * each])
            for k in range(folds)
        ]
    )
    both = np.concatenate([genuine, impostor])[order]
    return both[:, 0], both[:, 1], order < len(genuine)


def _strangers(
    faces: FaceDataset, held_out: Indices, count: int, draw: np.random.Generator
) -> NDArray[np.intp]:
    """Pairs of two people's photographs, (count, 2)."""
    found: list[tuple[int, int]] = []
    while len(found) < count:
        a, b = draw.choice(held_out, 2, replace=False).tolist()
        if faces.labels[a] != faces.labels[b]:
            found.append((a, b))
    return np.array(found)
