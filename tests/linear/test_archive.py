"""Saved models: whole, private after forgetting, and never half read."""

import math
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import CheckpointError
from forget.linear.archive import (
    model_bytes,
    model_from_bytes,
    read_model,
    save_model,
    without_store,
)
from forget.linear.feature_map import Penultimate
from forget.linear.heads import head_gap
from forget.linear.model import LinearModel
from forget.linear.proof import verify_file
from forget.linear.statistics import ClassSums
from forget.linear.store import FeatureStore
from forget.methods.registry import unlearn
from forget.models.checkpoint import read_tensors, to_bytes


def test_a_model_comes_back_as_it_was(
    model: LinearModel, orl: FaceDataset, tmp_path: Path
) -> None:
    save_model(model, tmp_path / "a.safetensors")
    back = read_model(tmp_path / "a.safetensors")
    assert back.statistics == model.statistics
    assert head_gap(back.head, model.head) == 0.0
    assert back.threshold == model.threshold
    assert back.feature_map.record == model.feature_map.record
    assert np.array_equal(back.predict(orl.images[:3]), model.predict(orl.images[:3]))
    again = unlearn(back, orl, ["s21"]).model
    assert again.statistics == unlearn(model, orl, ["s21"]).model.statistics


def test_a_model_without_store_comes_back(model: LinearModel, tmp_path: Path) -> None:
    save_model(without_store(model), tmp_path / "a.safetensors")
    back = read_model(tmp_path / "a.safetensors")
    assert back.store is None
    assert back.threshold == model.threshold
    with pytest.raises(CheckpointError, match="feature store"):
        verify_file(tmp_path / "a.safetensors")


def test_bytes_are_read_like_the_file(model: LinearModel) -> None:
    data = model_bytes(model)
    assert model_from_bytes(data, "upload").statistics == model.statistics
    with pytest.raises(CheckpointError, match="in upload"):
        model_from_bytes(data[:-1], "upload")


SECRET = {"s33": "qhzvkwyxjpfmtbgrdlcnsaeu", "s05": "ucxmzqwhvkjyapntfrgbldes"}


@pytest.mark.parametrize("person", SECRET)
@pytest.mark.parametrize("strip", [False, True], ids=["with store", "without store"])
def test_a_file_after_forgetting_holds_neither_name_nor_rows(
    person: str, strip: bool, orl: FaceDataset, feature_map: Penultimate, model: LinearModel
) -> None:
    name = SECRET[person]
    labels = tuple(name if label == person else label for label in orl.labels)
    core = tuple(name if one == person else one for one in orl.core)
    faces = replace(orl, labels=labels, core=core)
    known = LinearModel.fit(feature_map, split_by_identity(faces), model.rule)
    held = [store[name] for store in known.parts() if name in store]
    needles = [name.encode()]
    for chunk in held:
        needles += [bytes.fromhex(digest) for digest in chunk.photographs]
        needles += [digest.encode() for digest in chunk.photographs]
        for row in chunk.rows:
            needles += [row.tobytes(), (row / 2**15).astype(np.float32).tobytes()]
    before = model_bytes(known)
    assert sum(needle in before for needle in needles) > 2 * len(held[0].rows)
    after = unlearn(known, faces, [name]).model
    data = model_bytes(without_store(after) if strip else after)
    # The record of a core person keeps hashes of their photographs, under the id it was made with.
    allowed = feature_map.record.photographs if person in orl.core else frozenset()
    assert not [n for n in needles if n in data and n.hex() not in allowed]


def test_verify_catches_a_row_that_stayed(model: LinearModel, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_model(model, path)
    assert verify_file(path).holds
    sums = model.statistics.classes["s30"]
    one_more = ClassSums("s30", sums.count, sums.total + np.eye(len(sums.total), dtype=int)[0])
    for changed in (
        replace(model.statistics, gram=model.statistics.gram + np.diag([1] * len(sums.total))),
        replace(
            model.statistics,
            classes=MappingProxyType({**model.statistics.classes, "s30": one_more}),
        ),
    ):
        save_model(replace(model, statistics=changed), path)
        assert not verify_file(path).holds


def test_saving_replaces_a_file_or_leaves_it_alone(
    model: LinearModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    save_model(model, path)
    old = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_model(without_store(model), path)
    assert path.read_bytes() == old
    assert [one.name for one in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.fixture(scope="module")
def whole(model: LinearModel) -> bytes:
    return model_bytes(model)


def test_a_header_holds_names_and_counts_alone(whole: bytes, tmp_path: Path) -> None:
    """It is bounded, and so must not grow with photographs."""
    (tmp_path / "a").write_bytes(whole)
    tensors, about = read_tensors(tmp_path / "a")
    names = {name for name in tensors if not name.startswith("network/")}
    assert names == {"gram", "counts", "sums", "record/photographs"} | {
        f"{part}/{kind}" for part in ("store", "calibration") for kind in ("rows", "photographs")
    }
    assert set(about["store"]) == {"people", "rows", "photographs"}
    assert about["store"]["rows"] == about["store"]["photographs"] == [7] * 40
    assert set(about["record"]) == {"people"}


def test_photographs_come_back_with_their_people(model: LinearModel, tmp_path: Path) -> None:
    save_model(model, tmp_path / "a")
    back = read_model(tmp_path / "a")
    for mine, theirs in zip(model.parts(), back.parts(), strict=True):
        assert theirs.people == mine.people
        for person in mine.people:
            assert theirs[person].photographs == mine[person].photographs
            assert np.array_equal(theirs[person].rows, mine[person].rows)


def test_a_person_may_have_another_number_of_photographs_than_rows(
    model: LinearModel, tmp_path: Path
) -> None:
    store, _ = model.parts()
    few = ((p, replace(store[p], photographs=store[p].photographs[:k % 3]))
           for k, p in enumerate(store.people))  # fmt: skip
    changed = replace(model, store=FeatureStore.of(store.space, few))
    save_model(changed, tmp_path / "a")
    back = read_model(tmp_path / "a")
    assert [len(back.store[p].photographs) for p in store.people][:4] == [0, 1, 2, 0]
    assert verify_file(tmp_path / "a").holds


def test_files_of_the_first_format_are_to_be_saved_again(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(whole)
    tensors, about = read_tensors(path)
    path.write_bytes(to_bytes(tensors, about | {"format": "forget linear model 1"}))
    for read in (read_model, verify_file):
        with pytest.raises(CheckpointError, match="model 1' in a.*save it again"):
            read(path)
    path.write_bytes(to_bytes(tensors, about | {"format": ["something"]}))
    for read in (read_model, verify_file):
        with pytest.raises(CheckpointError, match="Load a file that was saved"):
            read(path)


def test_a_store_that_does_not_fit_its_header_is_told(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(whole)
    tensors, about = read_tensors(path)
    for part in ("store", "calibration"):
        said, rows, seen = about[part], tensors[f"{part}/rows"], tensors[f"{part}/photographs"]
        for more, told in (
            ({f"{part}/rows": rows[:-1]}, {}),
            ({f"{part}/rows": rows.astype(np.int32)}, {}),
            ({f"{part}/photographs": seen[:-1]}, {}),
            ({f"{part}/photographs": seen.view(np.int8)}, {}),
            ({}, {"rows": [*said["rows"][:-1], 99]}),
            ({}, {"rows": said["rows"][:-1]}),
            ({}, {"people": [*said["people"][1:], "s99", "s98"]}),
            ({}, {"people": [*said["people"][1:], said["people"][1]]}),
        ):
            path.write_bytes(to_bytes(tensors | more, about | {part: said | told}))
            with pytest.raises(CheckpointError):
                read_model(path)
    for record in (["s01"], {"people": 3}, "x"):
        path.write_bytes(to_bytes(tensors, about | {"record": record}))
        with pytest.raises(CheckpointError):
            read_model(path)
    for name in ("store/rows", "store/photographs", "calibration/rows", "record/photographs"):
        path.write_bytes(to_bytes({k: t for k, t in tensors.items() if k != name}, about))
        for read in (read_model, verify_file):
            with pytest.raises(CheckpointError):
                read(path)


@settings(max_examples=40)
@given(data=st.data())
def test_a_truncated_file_is_told(whole: bytes, tmp_path_factory, data) -> None:  # noqa: ANN001
    path = tmp_path_factory.mktemp("cut") / "cut.safetensors"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(CheckpointError):
        read_model(path)


@settings(max_examples=60)
@given(data=st.data())
def test_a_changed_header_is_told_or_harmless(whole: bytes, tmp_path_factory, data) -> None:  # noqa: ANN001
    path = tmp_path_factory.mktemp("bent") / "bent.safetensors"
    position = data.draw(st.integers(0, 4000))
    bent = bytearray(whole)
    bent[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(bent))
    try:
        read_model(path)
    except CheckpointError:
        return


def test_pickles_are_refused_unopened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path(tmp_path / "exploded").touch, ())

    plain = tmp_path / "a.pkl"
    plain.write_bytes(pickle.dumps(Bomb()))
    torch.save({"w": torch.zeros(1)}, tmp_path / "b.pt")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Bomb()))
    for path in (plain, tmp_path / "b.pt", tmp_path / "c.zip"):
        with pytest.raises(CheckpointError, match="pickle"):
            read_model(path)
    assert not (tmp_path / "exploded").exists()


def test_weights_of_another_architecture_are_told(
    feature_map: Penultimate, whole: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(whole)
    tensors, about = read_tensors(path)
    name = next(name for name in tensors if name.startswith("network/") and tensors[name].ndim > 1)
    for change in ("missing", "shape", "extra"):
        other = dict(tensors)
        if change == "missing":
            del other[name]
        elif change == "shape":
            other[name] = other[name][:1]
        else:
            other["network/more"] = np.zeros(3, np.float32)
        path.write_bytes(to_bytes(other, about))
        with pytest.raises(CheckpointError, match="another architecture"):
            read_model(path)


def test_foreign_and_missing_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no model at all")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "other").write_bytes(to_bytes({"x": np.zeros(1)}, {"format": "something"}))
    for name in ("text", "empty", "other", "absent"):
        with pytest.raises(CheckpointError):
            read_model(tmp_path / name)


@settings(max_examples=40)
@given(data=st.data())
def test_verify_tells_what_it_cannot_read(whole: bytes, tmp_path_factory, data) -> None:  # noqa: ANN001
    path = tmp_path_factory.mktemp("bent") / "bent.safetensors"
    bent = bytearray(whole[: data.draw(st.sampled_from([len(whole), len(whole) // 2]))])
    bent[data.draw(st.integers(0, 4000))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(bent))
    try:
        verify_file(path)
    except CheckpointError:
        return


def test_verify_refuses_a_file_that_holds_more_than_it_names(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(whole)
    tensors, about = read_tensors(path)
    crooked = tensors["gram"].copy()
    crooked[1, 0] += 1
    network = next(name for name in tensors if name.endswith("weight") and "network" in name)
    space, store, rows = about["space"], about["store"], tensors["store/rows"]
    people, counts, seen = store["people"], store["rows"], tensors["calibration/photographs"]
    others = about["calibration"]["people"][1:]
    for more, told in (
        ({"store/more": rows}, about),
        ({"store/targets": rows}, about),
        ({"calibration/rows": np.concatenate([tensors["calibration/rows"], rows[:1]])}, about),
        ({"calibration/photographs": np.concatenate([seen, seen[:1]])}, about),
        ({"calibration/photographs": seen[:, :31]}, about),
        ({"record/photographs": tensors["record/photographs"].astype(np.int16)}, about),
        ({"gram": crooked}, about),
        ({"store/rows": rows.astype(np.float32)}, about),
        ({"store/rows": rows[:, :5]}, about),
        ({"store/rows": rows[:-1]}, about),
        ({network: tensors[network] + 1}, about),
        ({}, about | {"record": None}),
        ({}, about | {"classes": about["classes"][:-1]}),
        ({}, about | {"store": store | {"people": [*people[:-1], people[0]]}}),
        ({}, about | {"store": store | {"people": people[:-1]}}),
        ({}, about | {"store": store | {"rows": [*counts[:-1], counts[-1] - 1]}}),
        ({}, about | {"store": store | {"rows": [sum(counts) + 1, *[0] * 38, -1]}}),
        ({}, about | {"store": store | {"photographs": None}}),
        ({}, about | {"calibration": about["calibration"] | {"people": ["s99"] + others}}),
        ({}, about | {"calibration": None}),
        ({}, about | {"space": space | {"dimension": "many"}}),
        ({}, about | {"space": space | {"dimension": 64}}),
        ({}, about | {"space": space | {"dimension": math.inf}}),
        ({}, about | {"space": space | {"kept": rows[:1].tolist()}}),
        ({}, about | {"kept": rows[:1].tolist()}),
        ({}, about | {"store": store | {"s99": rows[:1].tolist()}}),
        ({}, about | {"calibration": about["calibration"] | {"s99": []}}),
        ({}, about | {"record": about["record"] | {"kept": []}}),
        ({}, about | {"feature_map": about["feature_map"] | {"kept": []}}),
        ({}, about | {"rule": about["rule"] | {"kept": []}}),
    ):
        path.write_bytes(to_bytes(tensors | more, told))
        with pytest.raises(CheckpointError):
            verify_file(path)
    path.write_bytes(to_bytes(tensors, about))
    assert verify_file(path).holds


@pytest.mark.parametrize("part", ["feature_map", "space", "rule", "store", "record", "classes"])
@pytest.mark.parametrize("value", [None, 3, "x", {}, [], math.inf])
def test_a_header_of_another_form_is_told(
    whole: bytes, part: str, value: object, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(whole)
    tensors, about = read_tensors(tmp_path / "a")
    data = to_bytes(tensors, about | {part: value})
    (tmp_path / "a").write_bytes(data)
    for read in (lambda: model_from_bytes(data, "a"), lambda: verify_file(tmp_path / "a")):
        try:
            read()
        except CheckpointError:
            continue
        assert part in ("record", "store") and value is None
