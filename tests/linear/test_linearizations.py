"""Every linearization of a network obeys the same laws: exact sums, one proof, one file."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from models.face_networks import mobile
from PIL import Image

import forget
from forget.data.dataset import FaceDataset
from forget.data.split import Split, split_by_identity
from forget.errors import CheckpointError, StatisticsError
from forget.linear.archive import read_model, save_model
from forget.linear.backbone import backbone_of
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.face_features import FaceFeatures
from forget.linear.feature_map import FeatureMap, Penultimate
from forget.linear.heads import HeadRule, Wccn, head_gap
from forget.linear.kinds import FEATURE_MAPS, read_feature_map
from forget.linear.linearizer.sandwich import Sandwich
from forget.linear.linearizer.training import LinearizerSettings, train_linearizer
from forget.linear.model import LinearModel
from forget.linear.proof import prove, verify_file
from forget.linear.recall import InverseDrawer
from forget.linear.tangent.features import Tangent, TangentSettings
from forget.linearizations import rule_of
from forget.methods.registry import unlearn
from forget.models.checkpoint import TrainingRecord, read_tensors, to_bytes
from forget.models.classifier import build
from forget.models.convention import Convention
from forget.models.embedder import Embedder
from forget.models.face_backbone import FaceBackbone

RECORD = TrainingRecord(frozenset(["s01", "s02"]), frozenset())
PEOPLE = 8


@cache
def network() -> Embedder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Embedder(width=4, dimension=16).eval()


@cache
def faces() -> FaceDataset:
    """A few people in a few photographs: enough for laws."""
    orl = forget.load_faces("orl")
    some = orl.only(orl.identities[:PEOPLE])
    return replace(some, core=("s01", "s02"))


@cache
def crops() -> FaceDataset:
    """The same people as face networks from elsewhere read them: crops in three channels."""
    grey = [np.asarray(Image.fromarray(one).resize((112, 112))) for one in faces().images]
    return replace(faces(), images=np.repeat(np.stack(grey)[..., None], 3, axis=3))


def people_of(feature_map: FeatureMap) -> FaceDataset:
    return crops() if feature_map.kind == "face embedding" else faces()


def core() -> np.ndarray:
    return faces().images[split_by_identity(faces()).train_of(faces().core)]


def penultimate() -> FeatureMap:
    return Penultimate(network(), RECORD)


def hidden_layer() -> FeatureMap:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        convnet = build({"architecture": "convnet", "classes": 3, "channels": 1, "side": 28})
    return ClassifierFeatures(convnet, RECORD, side=28, mirror=True)


def tangent() -> FeatureMap:
    settings = TangentSettings(rank=3, outputs=2)
    return Tangent.fit(backbone_of(network()), core(), RECORD, settings)


def linearizer(level: str) -> FeatureMap:
    backbone = backbone_of(network())
    images = backbone.prepare(core())
    settings = LinearizerSettings(
        level=level, couplings=2, keep=(2, 3, 4), dimension=20, every=1, bank=14
    )
    return train_linearizer(backbone, lambda epoch: images.split(7), 2, RECORD, settings)


def face_embedding() -> FeatureMap:
    return FaceFeatures(FaceBackbone(mobile(), Convention(width=96), "random"), RECORD)


def erased() -> FeatureMap:
    model = LinearModel.fit(penultimate(), split_by_identity(faces()), Wccn(1e-3))
    return unlearn(model, faces(), ["s06"], "project").model.feature_map


MAPS: dict[str, tuple[Callable[[], FeatureMap], HeadRule]] = {
    "penultimate": (penultimate, Wccn(1e-3)),
    "hidden layer": (hidden_layer, Wccn(1e-3)),
    "tangent": (tangent, Wccn(1e-3)),
    "linearizer of embeddings": (lambda: linearizer("embedding"), Sandwich(1.0, 1e-2)),
    "linearizer of images": (lambda: linearizer("image"), Sandwich(1.0, 1e-2)),
    "face embedding": (face_embedding, Wccn(1e-3)),
    "behind an eraser": (erased, Wccn(1e-3)),
}


@cache
def fitted(name: str) -> LinearModel:
    make, rule = MAPS[name]
    feature_map = make()
    return LinearModel.fit(feature_map, split_by_identity(people_of(feature_map)), rule)


@pytest.fixture(params=MAPS)
def model(request: pytest.FixtureRequest) -> LinearModel:
    return fitted(request.param)


@pytest.fixture
def photographs(model: LinearModel) -> FaceDataset:
    return people_of(model.feature_map)


def without(people: list[str]) -> Split:
    return split_by_identity(faces()).forgetting(people)


def test_every_kind_is_tried() -> None:
    assert {fitted(name).feature_map.kind for name in MAPS} == set(FEATURE_MAPS)


@pytest.mark.parametrize("people", [["s05"], ["s03", "s04", "s08"]], ids=["one", "three"])
def test_subtraction_equals_a_refit_bit_for_bit(
    model: LinearModel, photographs: FaceDataset, people: list[str]
) -> None:
    after = forget.unlearn(model, photographs, people)
    again = forget.refit(model, photographs, without=people)
    assert after.model.statistics.digest() == again.statistics.digest()
    assert after.model.statistics.digest() != model.statistics.digest()
    assert head_gap(after.model.head, again.head) == 0.0
    assert after.model.threshold == again.threshold
    assert prove(after.model).holds
    # An eraser is made from the sums over everybody, so behind it nobody is quite new.
    scope = "readout" if model.feature_map.kind == "erased" else "model"
    assert (after.guarantee.kind, after.guarantee.scope) == ("exact", scope)
    assert set(after.model.classes) == set(model.classes) - set(people)


def test_a_core_person_is_forgotten_by_the_readout_only(
    model: LinearModel, photographs: FaceDataset
) -> None:
    assert forget.unlearn(model, photographs, ["s01"]).guarantee.scope == "readout"


def test_the_head_says_the_same_twice_and_differs_after_forgetting(
    model: LinearModel, photographs: FaceDataset
) -> None:
    images = photographs.images[:6]
    assert np.array_equal(model.predict(images), model.predict(images))
    left = forget.unlearn(model, photographs, ["s05"]).model
    kept = [model.classes.index(name) for name in left.classes]
    assert not np.allclose(model.predict(images)[:, kept], left.predict(images))


def test_a_row_does_not_depend_on_its_company(
    model: LinearModel, photographs: FaceDataset
) -> None:
    images = photographs.images[:5]
    together = model.feature_map.rows(images)
    alone = np.concatenate([model.feature_map.rows(one[None]) for one in images])
    assert np.abs(together.astype(int) - alone).max() <= 30  # the last digits of float32
    assert together.shape == (5, model.feature_map.space.dimension)
    assert len(model.feature_map.rows(images[:0])) == 0
    assert model.feature_map.targets(images).shape == (5, model.feature_map.space.targets)


@pytest.mark.parametrize("name", MAPS)
def test_the_same_core_gives_the_same_fingerprint(name: str) -> None:
    make, _ = MAPS[name]
    assert make().space == fitted(name).feature_map.space


def test_it_comes_back_from_a_file_and_is_verified_there(
    model: LinearModel, photographs: FaceDataset, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    back = read_model(path)
    assert back.statistics.digest() == model.statistics.digest()
    assert head_gap(back.head, model.head) == 0.0
    images = photographs.images[:4]
    assert np.array_equal(back.feature_map.rows(images), model.feature_map.rows(images))
    assert verify_file(path).holds
    gone = forget.unlearn(back, photographs, ["s05"]).model
    assert prove(gone).holds
    save_model(gone, path)
    assert verify_file(path).digest == gone.statistics.digest()


@pytest.mark.parametrize("part", ["store", "calibration"])
def test_targets_that_do_not_fit_their_rows_are_told(part: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(fitted("linearizer of embeddings"), path)
    tensors, about = read_tensors(path)
    name = f"{part}/targets"
    one = tensors[name]
    for wrong in (one[:-1], one[:, :-1], np.concatenate([one, one]), one.astype(np.int32)):
        path.write_bytes(to_bytes(tensors | {name: wrong}, about))
        for read in (read_model, verify_file):
            with pytest.raises(CheckpointError):
                read(path)
    path.write_bytes(to_bytes({key: t for key, t in tensors.items() if key != name}, about))
    for read in (read_model, verify_file):
        with pytest.raises(CheckpointError):
            read(path)


def test_parts_that_do_not_belong_together_are_refused(model: LinearModel) -> None:
    config, tensors = model.feature_map.parts
    about = {"kind": model.feature_map.kind, "network": config}
    assert read_feature_map(about, tensors, RECORD).space == model.feature_map.space
    for name in list(tensors)[:: max(len(tensors) // 6, 1)]:
        left = {key: tensor for key, tensor in tensors.items() if key != name}
        with pytest.raises(CheckpointError):
            read_feature_map(about, left, RECORD)
        longer = {**tensors, name: np.concatenate([np.atleast_1d(tensors[name])] * 2)}
        with pytest.raises(CheckpointError):
            read_feature_map(about, longer, RECORD)
    with pytest.raises(CheckpointError):
        read_feature_map(about, {**tensors, "more": np.zeros(1, np.float32)}, RECORD)
    with pytest.raises(CheckpointError, match="a feature map of"):
        read_feature_map({**about, "kind": "magic"}, tensors, RECORD)


def test_the_rule_of_features_that_were_edited_twice_is_found(orl: FaceDataset) -> None:
    model = forget.load_model("orl")
    once = unlearn(model, orl, ["s34"], "project").model
    twice = unlearn(once, orl, ["s35"], "leace").model
    assert rule_of(twice.feature_map) == rule_of(model.feature_map) == model.rule


@pytest.mark.parametrize("name", [name for name in MAPS if name.startswith("linearizer")])
def test_the_operator_is_the_dense_ridge_regression(name: str) -> None:
    model = fitted(name)
    store, space = model.store, model.feature_map.space
    who = [person for person in store.people for _ in store[person].rows]
    z = space.grid.real(np.concatenate([store[p].rows for p in store.people]))
    t = space.target_grid.real(np.concatenate([store[p].targets for p in store.people]))
    gram = z.T @ z + model.rule.ridge * np.eye(z.shape[1])
    expected = np.linalg.solve(gram, z.T @ t).T
    np.testing.assert_allclose(model.head.operator, expected, rtol=1e-9, atol=1e-12)
    # The gallery: means and within-class covariance of A z, as if they had been summed.
    u = z @ expected.T
    rows_of = {c: u[[name == c for name in who]] for c in model.classes}
    means = np.stack([rows.mean(0) for rows in rows_of.values()])
    spread = sum((rows - rows.mean(0)).T @ (rows - rows.mean(0)) for rows in rows_of.values())
    inside = spread / (len(u) - len(means)) + model.rule.within * np.eye(u.shape[1])
    white = np.linalg.inv(np.linalg.cholesky(inside)).T
    a, b = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (u @ white, means @ white))
    np.testing.assert_allclose(model.head.scores(z), a @ b.T, rtol=0, atol=1e-10)


def test_a_sandwich_needs_targets_and_ridges() -> None:
    with pytest.raises(StatisticsError, match="statistics with targets"):
        Sandwich(1.0, 1.0)(fitted("penultimate").statistics)
    for wrong in ((0.0, 1.0), (1.0, -1.0)):
        with pytest.raises(StatisticsError, match="ridge above 0"):
            Sandwich(*wrong)


def test_a_linearizer_of_images_draws_through_its_own_inverse() -> None:
    model = fitted("linearizer of images")
    drawer = InverseDrawer(model, (56, 46))
    features = model.feature_map.grid.real(model.store["s03"].rows)
    pictures = drawer(features)
    assert pictures.shape == (len(features), 56, 46)
    assert pictures.dtype == np.uint8
    # What the operator does not let through is not drawn.
    f = model.feature_map.linearizer(model.head)
    blind = torch.linalg.svd(f.operator.double(), full_matrices=True).Vh[f.operator.shape[0] :]
    moved = drawer(features + 3 * blind.sum(0).numpy())
    assert np.abs(moved.astype(int) - pictures).max() <= 1
    assert np.abs(drawer(-features).astype(int) - pictures).max() > 1


def test_an_inverse_says_how_well_it_draws(orl: FaceDataset) -> None:
    some = np.r_[:4, 40:42]
    images, labels = orl.images[some], [orl.labels[i] for i in some]
    drawer = InverseDrawer(fitted("linearizer of images"), (56, 46))
    assert drawer.judged(images[:4], labels[:4]).says == drawer.says  # nobody else: not measured
    judged = drawer.judged(images, labels)
    # The photographs are read at half their size: each pixel is the mean of four.
    seen = images.reshape(6, 56, 2, 46, 2).mean((2, 4))
    drawn = drawer(drawer.model.feature_map.features(images).astype(float))
    plain = np.stack([seen[4:].mean(0)] * 4 + [seen[:4].mean(0)] * 2)
    wanted = [np.sqrt(((one - seen) ** 2).mean()) for one in (drawn, plain)]
    np.testing.assert_allclose(judged.errors, wanted, rtol=1e-6)
    assert f"off by {judged.errors[0]:.1f} levels of 255" in judged.says
