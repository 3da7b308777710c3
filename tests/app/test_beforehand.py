"""What is said before somebody is forgotten."""

from dataclasses import replace

import numpy as np
import pytest

from forget.data.dataset import FaceDataset
from forget.pretrained import load_feature_map
from forget.ui.beforehand import warnings
from forget.ui.cached import Bundle, bundle_of


@pytest.fixture(scope="module")
def bundle(orl: FaceDataset) -> Bundle:
    """Twelve people, of whom s22 holds a picture of s21, and s23 one of s01, who is core."""
    people = ["s01", "s02", *(f"s{i}" for i in range(21, 31))]
    indices = np.concatenate([orl.of(person) for person in people])
    images = orl.images[indices].copy()
    place = {person: 10 * k for k, person in enumerate(people)}
    images[place["s22"]] = images[place["s21"]]
    images[place["s23"]] = images[place["s01"]]
    labels = tuple(orl.labels[i] for i in indices)
    faces = replace(orl, images=images, labels=labels, core=("s01", "s02"))
    return bundle_of(faces, load_feature_map())


def test_a_twin_that_would_stay_is_told_until_it_is_chosen_too(bundle: Bundle) -> None:
    people = bundle.model.people
    said = " ".join(warnings(bundle, people, ["s21"]))
    assert "**1** of the pictures of **Person 21**" in said and "**Person 22**" in said
    assert "would stay" not in " ".join(warnings(bundle, people, ["s21", "s22"]))


def test_a_picture_that_taught_the_network_is_told(bundle: Bundle) -> None:
    said = " ".join(warnings(bundle, bundle.model.people, ["s23"]))
    assert "also taught the network, as **Person 1**" in said


def test_the_most_alike_pair_is_told_and_most_are_not(bundle: Bundle) -> None:
    people = bundle.model.people
    alike = [
        one for one in people if "looks much like" in " ".join(warnings(bundle, people, [one]))
    ]
    assert 2 <= len(alike) <= 4
    quiet = [one for one in people if not warnings(bundle, people, [one])]
    assert len(quiet) >= 4
