"""Laws of the people of MUFAC: one id a person, each picture once, every id finds its person."""

from pathlib import Path

import numpy as np
import pytest
from data.mufac_sample import Sample, jpeg, pixels, plain, with_twins

import forget
from forget.data import mufac
from forget.data.dataset import natural_key
from forget.data.image_dataset import ImageDataset
from forget.data.load import load_faces
from forget.data.mufac import load_mufac
from forget.data.mufac_people import MufacPeople, load_mufac_people, mufac_people
from forget.data.sources import APP_DATA
from forget.data.twins.report import Hygiene
from forget.errors import ForgetError, IdentityError
from forget.progress import Cancelled


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr(mufac, "APP_DATA", folder)
    return folder


def load(sample: Sample, home: Path) -> ImageDataset:
    return load_mufac(sample.zip(home / "mufac.zip"))


def check(data: ImageDataset, people: MufacPeople, report: Hygiene) -> None:
    """Checks what holds of any data set."""
    faces, indices, joined = people.faces, people.indices, people.joined
    assert faces.images.shape[0] == len(indices) and faces.core == ()
    assert all(np.array_equal(data.images[i], faces.images[k]) for k, i in enumerate(indices))
    assert np.isin(indices, data.train).all() and (np.diff(indices) > 0).all()
    pictures = report.pictures[indices]
    assert len(set(pictures)) == len(pictures)  # each once, and none is missing
    assert set(pictures) == set(report.pictures[data.train])
    for picture, index in zip(pictures, indices, strict=True):
        assert index == data.train[report.pictures[data.train] == picture][0]
    assert faces.labels == tuple(joined[data.people[i]] for i in indices)
    assert set(joined) == set(data.people)
    for one, person in joined.items():
        if person in faces.identities:
            assert person in faces.search(one)
            assert one == person or one in faces.aliases[person]
    for person, others in faces.aliases.items():
        assert list(others) == sorted(others, key=natural_key)
        assert {joined[other] for other in others} == {person}
        assert faces.title(person).startswith(person) and len(faces.title(person)) < 60


def test_people_without_twins_keep_their_ids_and_pictures(home: Path) -> None:
    data = load(plain(), home)
    people = mufac_people(data)
    check(data, people, forget.hygiene(data))
    assert np.array_equal(people.indices, data.train)
    assert people.faces.identities == [f"F000{family}/{who}" for family in "123" for who in "DS"]
    assert people.faces.aliases == people.faces.titles == {}
    assert people.joined == {one: one for one in data.people}


def test_people_who_share_a_picture_are_one_and_twins_are_taken_once(home: Path) -> None:
    data = load(with_twins(), home)
    report = forget.hygiene(data)
    people = mufac_people(data, report)
    check(data, people, report)
    faces = people.faces
    # 24 pictures and a new one of F0001/D; the three other late images are twins.
    assert people.indices.tolist() == [*range(24), 26]
    # F0001/S, F0002/D, F0003/S and F0003/D share pictures, and so do others of val and test.
    assert faces.aliases["F0001/S"] == (
        "F0002/D",
        "F0003/D",
        "F0003/S",
        "F0008/D",
        "F0009/D",
    )
    assert faces.title("F0001/S") == "F0001/S and 5 more"
    assert faces.identities == ["F0001/D", "F0001/S", "F0002/S"]
    assert len(faces.of("F0001/S")) == 16 and len(faces.of("F0001/D")) == 5
    assert people.joined["F0009/S"] == "F0008/S"  # nobody of the training part
    assert "F0008/S" not in faces.aliases and not faces.search("F0009/S")
    assert faces.search("f0003/d") == ["F0001/S"]
    assert faces.search(" F0002 ") == ["F0001/S", "F0002/S"]
    alone = faces.only(["F0001/S"])
    assert alone.search("F0002") == ["F0001/S"] and alone.title("F0001/S").endswith("5 more")


@pytest.mark.parametrize(
    ("others", "title"),
    [
        (["F0002/D"], "F0001/D = F0002/D"),
        (["F0002/D", "F0003/S"], "F0001/D = F0002/D = F0003/S"),
        (["F0002/D", "F0003/S", "F0003/D"], "F0001/D and 3 more"),
    ],
)
def test_a_title_names_up_to_three_ids(others: list[str], title: str, home: Path) -> None:
    sample = plain()
    shared = sample.files[f"train_images/{sample.rows['train'][0][3]}"]
    for other in others:
        family, person = other.split("/")
        sample.add("train", family, person, "a", shared)
    data = load(sample, home)
    people = mufac_people(data)
    check(data, people, forget.hygiene(data))
    assert people.faces.title("F0001/D") == title
    assert list(people.faces.titles) == ["F0001/D"]


def test_people_are_joined_by_pictures_outside_of_the_training_part(home: Path) -> None:
    sample = plain()
    for person in ("F0001", "F0002"):
        sample.add("val", person, "D", "a", jpeg(pixels(900)))
    people = mufac_people(load(sample, home))
    assert people.faces.aliases == {"F0001/D": ("F0002/D",)}
    assert len(people.indices) == 24


def test_it_is_a_data_set_by_name(home: Path) -> None:
    sample = with_twins()
    sample.files["train_images/more.jpg"] = jpeg(pixels(99))
    data = load(sample, home)
    by_name, steps = load_faces("MUFAC"), list[str]()
    by_path = load_mufac_people(
        home / "mufac.zip", lambda done, total, note="": steps.append(note)
    )
    for faces in (by_name, by_path):
        assert faces.name == "MUFAC" and faces.images.shape[1:] == (128, 128, 3)
        assert faces.skipped == data.notes and "no usable row names" in faces.skipped[0]
        assert np.array_equal(faces.images, mufac_people(data).faces.images)
    assert "Comparing images" in steps


def test_a_report_on_others_and_images_of_nobody_are_refused(home: Path) -> None:
    data = load(plain(), home)
    other = load_mufac(with_twins().zip(home / "other.zip"))
    with pytest.raises(ForgetError, match="a report on the same data set"):
        mufac_people(data, forget.hygiene(other))
    nobody = ImageDataset("made", data.images, data.labels, data.classes, data.parts)
    with pytest.raises(IdentityError, match="people are known"):
        mufac_people(nobody)


def test_it_can_be_stopped_while_twins_are_looked_for(home: Path) -> None:
    data = load(plain(), home)

    def stop(done: int, total: int, note: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        mufac_people(data, on_step=stop)


def test_the_official_archive_has_577_people(monkeypatch: pytest.MonkeyPatch) -> None:
    if not ((APP_DATA / "mufac").is_dir() or (APP_DATA / "mufac.zip").is_file()):
        pytest.skip("MUFAC is not there; get it with: python -m forget download mufac")
    monkeypatch.setattr(mufac, "APP_DATA", APP_DATA)
    data = load_mufac()
    report = forget.hygiene(data)
    people = mufac_people(data, report)
    check(data, people, report)
    assert len(people.faces.identities) == 577
    assert people.faces.images.shape == (6_561, 128, 128, 3)
    assert min(len(people.faces.of(person)) for person in people.faces.identities) == 8
    assert people.faces.title("F0001/GM") == "F0001/GM = F0002/GM"
    assert people.faces.skipped == ()
