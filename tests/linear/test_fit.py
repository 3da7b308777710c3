"""Fitting: the store that a search person by person makes, from pixels decoded once."""

from dataclasses import replace

import numpy as np
import pytest
from data.recognition.samples import Held
from hypothesis import given
from hypothesis import strategies as st

from forget.data.dataset import FaceDataset, photograph_hash
from forget.data.recognition.lazy_photographs import LazyPhotographs
from forget.data.split import Split, split_by_identity
from forget.errors import IdentityError
from forget.linear.grid import FINE, Rows
from forget.linear.heads import ClassMean
from forget.linear.model import LinearModel
from forget.linear.statistics import Space
from forget.linear.store import Chunk, FeatureStore
from forget.methods.subtract import subtract
from forget.progress import Cancelled


class Means:
    """A feature map for laws: means of a photograph, and which photographs it was shown."""

    kind, grid, record = "means", FINE, None

    def __init__(self, targets: int = 0) -> None:
        self.space = Space(FINE, 3, "ab" * 32, targets)
        self.shown = 0

    def rows(self, images: np.ndarray) -> Rows:
        self.shown += len(images)
        flat = images.reshape(len(images), -1).astype(float) / 255
        return FINE.snap(np.stack([flat.mean(1), flat[:, 0], flat[:, -1]], axis=1))

    def targets(self, images: np.ndarray) -> Rows:
        return self.rows(images)[:, : self.space.targets]


def naive(feature_map: Means, split: Split, rows: Rows) -> tuple[FeatureStore, FeatureStore]:
    """Looks for each person among all photographs, and appends one to the other."""
    faces = split.faces
    people = [person for person in faces.identities if person not in split.leaving]
    core = split.core or people
    store = held_out = FeatureStore(feature_map.space)

    def chunk(indices: list[int]) -> Chunk:
        hashes = tuple(photograph_hash(faces.images[i]) for i in indices)
        targets = feature_map.targets(faces.images[indices]) if feature_map.space.targets else None
        return Chunk(rows[indices], hashes, targets=targets)

    for person in people:
        store = store.append(person, chunk([i for i in split.train if faces.labels[i] == person]))
        others = [i for i in split.test if faces.labels[i] == person]
        if person in core and others:
            held_out = held_out.append(person, chunk(others))
    return store, held_out


def equal(one: FeatureStore, other: FeatureStore) -> bool:
    pairs = zip(one.chunks.values(), other.chunks.values(), strict=True)
    return list(one.chunks) == list(other.chunks) and all(
        np.array_equal(a.rows, b.rows)
        and a.photographs == b.photographs
        and (a.targets is None) == (b.targets is None)
        and (a.targets is None or np.array_equal(a.targets, b.targets))
        for a, b in pairs
    )


def toy(names: list[str], core: tuple[str, ...] = ()) -> FaceDataset:
    images = np.random.default_rng(len(names)).integers(0, 256, (len(names), 4, 3), np.uint8)
    return FaceDataset("toy", images, tuple(names), core)


@pytest.mark.parametrize("targets", [0, 2])
@given(
    names=st.lists(st.sampled_from([f"p{k}" for k in range(25)]), min_size=1, max_size=90),
    data=st.data(),
)
def test_a_model_is_that_of_a_search_person_by_person(
    targets: int, names: list[str], data: st.DataObject
) -> None:
    people = sorted(set(names))
    core = tuple(data.draw(st.lists(st.sampled_from(people), unique=True)))
    split = split_by_identity(toy(names, core))
    gone = data.draw(st.lists(st.sampled_from(people), unique=True, max_size=len(people) - 1))
    split, feature_map = replace(split, leaving=tuple(gone)), Means(targets)
    rows = feature_map.rows(split.faces.images)
    store, held_out = naive(feature_map, split, rows)
    for known in (None, rows):
        model = LinearModel.fit(feature_map, split, ClassMean(), rows=known)
        assert equal(model.parts()[0], store) and equal(model.parts()[1], held_out)
        assert model.statistics == store.statistics()


def test_nobody_to_enrol_is_told() -> None:
    split = split_by_identity(toy(["a", "b"])).forgetting(["a", "b"])
    with pytest.raises(IdentityError):
        LinearModel.fit(Means(), split, ClassMean())


@pytest.mark.parametrize("known", [False, True], ids=["rows computed", "rows known"])
def test_crops_that_are_not_decoded_yet_give_the_same_bits_and_are_decoded_once(
    known: bool,
) -> None:
    names = [f"p{k % 30}" for k in range(120)]
    images = np.random.default_rng(0).integers(0, 256, (120, 112, 112, 3), np.uint8)
    rows = Means().rows(images) if known else None
    eager = split_by_identity(FaceDataset("toy", images, tuple(names)))
    model = LinearModel.fit(Means(), eager, ClassMean(), rows=rows)
    source = Held(images)
    lazy = split_by_identity(replace(eager.faces, images=LazyPhotographs(source)))
    again = LinearModel.fit(Means(), lazy, ClassMean(), rows=rows)
    assert again.statistics.digest() == model.statistics.digest()
    assert all(equal(a, b) for a, b in zip(again.parts(), model.parts(), strict=True))
    assert again.threshold == model.threshold
    needed = np.union1d(lazy.train, lazy.test_of(model.calibration.people))
    assert sorted(source.asked) == needed.tolist()
    source.asked.clear()
    after = subtract(again, lazy.forgetting(["p3", "p11"])).model
    digest = subtract(model, eager.forgetting(["p3", "p11"])).model.statistics.digest()
    assert after.statistics.digest() == digest
    assert {names[i] for i in source.asked} == {"p3", "p11"}


@pytest.mark.parametrize("known", [False, True], ids=["rows computed", "rows known"])
def test_progress_ends_at_its_total_and_cancel_passes(known: bool) -> None:
    split = split_by_identity(toy([f"p{k % 9}" for k in range(300)]))
    rows = Means().rows(split.faces.images) if known else None
    steps: list[tuple[int, int, str]] = []
    LinearModel.fit(Means(), split, ClassMean(), lambda *told: steps.append(told), rows)
    assert steps[-1][0] == steps[-1][1] and len({told[1:] for told in steps}) == 1

    def stop(done: int, total: int, note: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        LinearModel.fit(Means(), split, ClassMean(), stop, rows)
