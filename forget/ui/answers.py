"""What the models of a run say about held-out images, from the predictions it kept."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from forget.data.image_dataset import ImageDataset
from forget.data.load import load_images
from forget.errors import ForgetError
from forget.runs.run import Run
from forget.ui.run_facts import BEFORE, REFERENCE, Facts

__all__ = ["MODELS", "Answers", "answers_of", "dozen", "images_of", "kept"]

DOZEN = 12
MODELS = ("original", "unlearned", "retrained")


@dataclass(frozen=True, eq=False)
class Answers:
    """Held-out images of a run, and the probabilities that its models give them.

    Arguments:
        facts: The run.
        method: The method that made the unlearned model.
        seed: The seed of all models.
        classes: What the classes are called, c of them.
        index: Where each image is in its data set, (n,).
        label: Its class, (n,).
        probability: By model, "original", "unlearned" or "retrained", (n, c).
    """

    facts: Facts
    method: str
    seed: int
    classes: tuple[str, ...]
    index: NDArray[np.int64] = field(repr=False)
    label: NDArray[np.int64] = field(repr=False)
    probability: Mapping[str, NDArray[np.float32]] = field(repr=False)

    def at(self, image: int) -> int:
        """The row of an image given by its place in the data set."""
        return int(np.flatnonzero(self.index == image)[0])

    def of_class(self, name: str | None) -> NDArray[np.int64]:
        """Places in the data set of all held-out images, or of those of one class."""
        if name is None:
            return self.index
        return self.index[self.label == self.classes.index(name)]


def kept(run: Run) -> dict[str, list[int]]:
    """Methods whose predictions a run kept, each with its seeds, sorted."""
    found: dict[str, list[int]] = {}
    for path in sorted((run.folder / "predictions").glob("*-*.npz")):
        method, _, seed = path.stem.rpartition("-")
        if seed.isdecimal():
            found.setdefault(method, []).append(int(seed))
    return {method: sorted(seeds) for method, seeds in found.items()}


def answers_of(facts: Facts, method: str, seed: int) -> Answers:
    """Reads what the original, the unlearned and the retrained model say.

    Raises:
        ForgetError: A file is broken, or the models were not asked about the same images.
    """
    classes = tuple(str(one) for one in facts.params.get("classes", []))
    seen: dict[str, dict[str, NDArray]] = {}
    for model, stored in zip(MODELS, (BEFORE, method, REFERENCE), strict=True):
        path = facts.run.folder / "predictions" / f"{stored}-{seed}.npz"
        if path.is_file():
            read = _held_out(str(facts.run.folder), stored, seed, path.stat().st_mtime_ns)
            _check(path, read, len(classes), seen)
            seen[model] = read
    first = seen["unlearned"]
    probability = {model: one["test_probability"] for model, one in seen.items()}
    return Answers(facts, method, seed, classes, first["test"], first["test_label"], probability)


def dozen(answers: Answers, name: str | None, turn: int) -> list[int]:
    """Twelve held-out images, or all there are; the same ones for the same turn.

    Arguments:
        answers: The images to draw from.
        name: The class to draw from, or None for all.
        turn: How often the visitor asked for new ones.

    Returns:
        Places in the data set.
    """
    there = np.sort(answers.of_class(name))
    random = np.random.default_rng([zlib.crc32(answers.facts.dataset.encode()), turn])
    return random.choice(there, min(DOZEN, len(there)), replace=False).tolist()


def images_of(answers: Answers, shown: list[int]) -> ImageDataset:
    """The data set of a run, once it is sure that it is the one that the models were asked about.

    Raises:
        ForgetError: It is absent, or has other images at these places.
    """
    data = _images(answers.facts.dataset, _place(answers.facts.params))
    labels = [int(answers.label[answers.at(image)]) for image in shown]
    if max(shown) >= len(data.labels) or data.labels[shown].tolist() != labels:
        raise ForgetError(
            f"the images of {data.name} that the run was made with",
            "images of other classes at their places",
            "Put back the data set of that time, or run it again.",
        )
    return data


@st.cache_resource(max_entries=2, show_spinner="Opening the images")
def _images(dataset: str, place: Path | None) -> ImageDataset:
    return load_images(dataset, place)


def _place(params: Mapping[str, Any]) -> Path | None:
    """Where the run's data lay, if that was not the usual place."""
    options = params.get("options")
    given = options.get("data") if isinstance(options, dict) else None
    return Path(given) if isinstance(given, str) and Path(given).exists() else None


@st.cache_data(max_entries=12, show_spinner=False)
def _held_out(folder: str, method: str, seed: int, changed: int) -> dict[str, NDArray]:
    """The arrays of the held-out images alone; `changed` is when the file was written."""
    found = Run(Path(folder)).predictions(method, seed) or {}
    return {
        name: array.astype(np.float32) if name == "test_probability" else array
        for name, array in found.items()
        if name in ("test", "test_label", "test_probability")
    }


def _check(path: Path, read: dict, classes: int, seen: dict[str, dict]) -> None:
    remedy = "Delete the file and run it again."
    if set(read) != {"test", "test_label", "test_probability"} or not len(read["test"]):
        raise ForgetError(f"predictions of held-out images in {path}", "none", remedy)
    n = len(read["test"])
    if read["test_label"].shape != (n,) or read["test_probability"].shape != (n, classes):
        shapes = f"{read['test_label'].shape} and {read['test_probability'].shape}"
        raise ForgetError(
            f"{n} labels and ({n}, {classes}) probabilities in {path}", shapes, remedy
        )
    if not 0 <= read["test_label"].min() <= read["test_label"].max() < classes:
        raise ForgetError(f"labels from 0 to {classes - 1} in {path}", "others", remedy)
    for other in seen.values():
        if not np.array_equal(other["test"], read["test"]):
            raise ForgetError(f"the images of the original model in {path}", "others", remedy)
