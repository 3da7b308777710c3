"""Laws of hygiene: every twin is found, nobody else; what was cleaned is clean."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data.mufac_sample import jpeg, pixels, plain, with_twins
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from forget.data import mufac
from forget.data.dataset import FaceDataset
from forget.data.image_dataset import ImageDataset
from forget.data.mufac import benchmark, load_mufac
from forget.data.partition import Partition, by_class, by_index, by_person
from forget.data.picture import read_picture
from forget.data.sources import APP_DATA
from forget.data.twins import contact_sheet as sheets_of
from forget.data.twins import similar
from forget.data.twins.cleaning import clean
from forget.data.twins.contact_sheet import contact_sheet
from forget.data.twins.find import hygiene
from forget.data.twins.grouping import group, number
from forget.data.twins.similar import SIMILARITY, similar_pairs, thumbnails
from forget.errors import ForgetError
from forget.progress import Cancelled

LEAKS = (
    "identical: forget in retain",
    "similar: forget in retain",
    "identical: test in training",
    "similar: test in training",
    "identical: unseen in training",
    "similar: unseen in training",
)
STRADDLERS = (
    "people in forget and retain by id",
    "people in forget and retain joined",
    "people in unseen and training by id",
    "people in unseen and training joined",
)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Partition:
    """Returns the sample with twins, its first 8 images to forget."""
    folder = tmp_path_factory.mktemp("mufac")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mufac, "APP_DATA", folder)
        patch.setattr(mufac, "FORGET_IMAGES", 8)
        return benchmark(load_mufac(with_twins().zip(folder / "mufac.zip")))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Partition:
    """Returns the sample without faults, family 1 to forget."""
    folder = tmp_path_factory.mktemp("mufac")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mufac, "APP_DATA", folder)
        patch.setattr(mufac, "FORGET_IMAGES", 8)
        return benchmark(load_mufac(plain().zip(folder / "mufac.zip")))


def made(
    images: np.ndarray, labels: list[int], people: list[str], train: int, held: int
) -> ImageDataset:
    """Returns a data set whose first images are trained on, the next tested on, then unseen."""
    n = len(images)
    parts = {
        "train": np.arange(train),
        "test": np.arange(train, train + held),
        "unseen": np.arange(train + held, n),
    }
    classes = ("young", "old")
    return ImageDataset("made", images, np.asarray(labels), classes, parts, tuple(people))


def test_every_planted_fault_is_found_and_counted(faulty: Partition) -> None:
    found = hygiene(faulty.data, faulty).counts
    assert found == {
        "identical images": 4,  # a picture of families 1 and 2, one of 2 and 3
        "identical groups": 2,
        "similar images": 2,
        "pictures of several people": 4,
        "pictures of several classes": 1,
        "identical: forget in retain": 1,
        "similar: forget in retain": 1,
        "identical: test in training": 1,
        "similar: test in training": 0,
        "identical: unseen in training": 1,
        "similar: unseen in training": 0,
        "identical: unseen in test": 1,
        "similar: unseen in test": 0,
        "people by id": 6,
        "people to forget by id": 2,
        "people to retain by id": 5,
        "people in forget and retain by id": 1,
        "people in unseen and training by id": 0,
        "people joined": 3,  # F0001/S, F0002/D, F0003/D and F0003/S are one
        "people to forget joined": 2,
        "people to retain joined": 3,
        "people in forget and retain joined": 2,
        "people in unseen and training joined": 1,
        "people joined by identical files": 4,
        "people to forget joined by identical files": 2,
        "people to retain joined by identical files": 4,
        "people in forget and retain joined by identical files": 2,
        "people in unseen and training joined by identical files": 1,
    }


def test_a_sound_data_set_has_no_finding(sound: Partition) -> None:
    report = hygiene(sound.data, sound)
    assert not any(v for k, v in report.counts.items() if not k.startswith("people "))
    assert report.warnings == () and len(report.groups) == 0
    assert report.people == {person: person for person in sound.data.people}
    cleaned = clean(sound, report)
    assert cleaned.did == () and cleaned.partition.what == sound.what
    assert cleaned.partition.sets.keys() == sound.sets.keys()
    for name, indices in sound.sets.items():
        assert np.array_equal(cleaned.partition.sets[name], indices)


def test_the_table_says_each_finding_in_a_sentence(faulty: Partition) -> None:
    report = hygiene(faulty.data, faulty)
    table = report.table
    assert list(table.columns) == ["finding", "count", "meaning"]
    assert dict(zip(table["finding"], table["count"], strict=True)) == report.counts
    for count, meaning in zip(table["count"], table["meaning"], strict=True):
        assert meaning.startswith(f"{count} ") and meaning.endswith(".")
        assert "[" not in meaning and "|" not in meaning
    said = dict(zip(table["finding"], table["meaning"], strict=True))
    assert said["identical: forget in retain"] == (
        "1 image to forget has an identical twin among the images to keep: "
        "what is forgotten stays known."
    )
    assert set(report.warnings) <= set(table["meaning"])
    assert said["identical: unseen in training"] in report.warnings


def test_groups_list_every_twin_once_with_its_twins(faulty: Partition) -> None:
    report, data = hygiene(faulty.data, faulty), faulty.data
    groups = report.groups
    assert groups["index"].is_unique and len(groups) == 10
    for _, rows in groups.groupby("group"):
        assert len(rows) > 1 and rows["kind"].nunique() == 1
        assert len(set(report.pictures[rows["index"]])) == 1
    alone = np.setdiff1d(np.arange(len(data.images)), groups["index"])
    assert len(np.unique(report.pictures)) == len(alone) + groups["group"].nunique()
    for index, file, person in zip(groups["index"], groups["file"], groups["person"], strict=True):
        assert (data.files[index], data.people[index]) == (file, person)
    assert set(groups["kind"]) == {"identical", "similar"}


def test_joined_people_bear_the_first_of_their_ids(faulty: Partition) -> None:
    people = hygiene(faulty.data, faulty).people
    family = {person: people[person] for person in ("F0001/S", "F0002/D", "F0003/D", "F0003/S")}
    assert set(family.values()) == {"F0001/S"}
    assert people["F0002/S"] == "F0002/S" and people["F0001/D"] == "F0001/D"
    assert people["F0008/D"] == "F0001/S"  # through the picture in val


@pytest.mark.parametrize("deduplicate", [False, True])
def test_what_was_cleaned_has_no_straddlers_and_no_leak(
    faulty: Partition, deduplicate: bool
) -> None:
    cleaned = clean(faulty, deduplicate=deduplicate)
    assert cleaned.did and cleaned.partition.what == "the benchmark's first 8 images, cleaned"
    after = hygiene(faulty.data, cleaned.partition).counts
    assert not any(after[name] for name in (*LEAKS, *STRADDLERS))
    assert (after["identical images"] == 0) is deduplicate
    assert (after["similar images"] == 0) is deduplicate
    again = clean(cleaned.partition, deduplicate=deduplicate)
    assert again.did == ()
    for name, indices in cleaned.partition.sets.items():
        assert np.array_equal(again.partition.sets[name], indices)


def test_cleaning_says_what_it_did_and_keeps_all_training_images(faulty: Partition) -> None:
    cleaned = clean(faulty)
    assert np.array_equal(cleaned.partition.train, faulty.train)
    assert set(faulty.forget) <= set(cleaned.partition.forget)
    people = {faulty.data.people[i] for i in cleaned.partition.retain}
    assert people == {"F0002/S"}  # everybody else shares a picture with family 1
    assert cleaned.did == (
        "Moved 16 retained images of 2 people on both sides to the images to forget.",
        "Dropped 1 test image with a training twin.",
        "Dropped 1 unseen image with a training twin.",
        "Dropped 4 more unseen images of trained people.",
    )
    deduplicated = clean(faulty, deduplicate=True)
    assert "Dropped 3 repeated images to forget, 1 of them of another class." in deduplicated.did


def test_pictures_alone_may_be_kept_whole(faulty: Partition) -> None:
    cleaned = clean(faulty, whole="pictures")
    after = hygiene(faulty.data, cleaned.partition).counts
    assert not any(after[name] for name in LEAKS)
    assert after["people in forget and retain by id"] > 0
    assert cleaned.did[0] == "Moved 2 retained twins of images to forget to those."
    assert clean(cleaned.partition, whole="pictures").did == ()


def test_forgetting_a_class_is_cleaned_by_pictures(faulty: Partition) -> None:
    partition = by_class(faulty.data, [0])
    cleaned = clean(partition, whole="pictures")
    after = hygiene(faulty.data, cleaned.partition).counts
    assert not any(after[name] for name in LEAKS)
    assert len(cleaned.partition.forget) == len(partition.forget) + 1


def test_cleaning_that_leaves_nothing_to_keep_is_an_error() -> None:
    images = np.stack([np.asarray(pixels(k)) for k in (1, 2, 3, 4)])
    data = made(images, [0, 0, 1, 1], ["ann", "ann", "ben", "cy"], train=2, held=1)
    with pytest.raises(ForgetError, match="nothing in common"):
        clean(by_index(data, np.array([0]), "one of ann"))
    with pytest.raises(ForgetError, match="people or pictures"):
        clean(by_index(data, np.array([0]), "one of ann"), whole="families")  # type: ignore


def test_a_report_or_partition_of_other_data_is_refused(
    faulty: Partition, sound: Partition
) -> None:
    with pytest.raises(ForgetError, match="partition of the same data set"):
        hygiene(faulty.data, sound)
    with pytest.raises(ForgetError, match="a report on the same data set"):
        clean(faulty, hygiene(sound.data, sound))


def test_nobody_needs_to_be_known() -> None:
    images = np.stack([np.asarray(pixels(k)) for k in (1, 2, 1, 3, 1, 2)])
    data = made(images, [0, 1, 0, 1, 0, 1], [], train=4, held=1)
    partition = by_index(data, np.array([0]), "the first")
    report = hygiene(data, partition)
    assert report.people == {} and not any(name.startswith("people") for name in report.counts)
    assert report.counts["identical: forget in retain"] == 1
    assert report.counts["identical: test in training"] == 1
    cleaned = clean(partition, report)
    assert cleaned.partition.forget.tolist() == [0, 2]
    assert len(cleaned.partition.test) == len(cleaned.partition.unseen) == 0


def test_unseen_images_that_are_test_images_by_design_are_no_leak() -> None:
    images = np.stack([np.asarray(pixels(k)) for k in range(6)])
    parts = {"train": np.arange(4), "test": np.array([4, 5])}
    data = ImageDataset("made", images, np.array([0, 0, 1, 1, 0, 1]), ("young", "old"), parts)
    partition = by_class(data, ["young"])
    assert partition.unseen.tolist() == [4]
    assert hygiene(data, partition).counts["identical: unseen in test"] == 0


def test_photographs_of_added_people_are_compared_with_the_core() -> None:
    grey = [np.asarray(pixels(k).convert("L")) for k in (1, 2, 3, 4, 1, 6)]
    labels = ("ann", "ann", "ben", "ben", "cy", "cy")
    faces = FaceDataset("made", np.stack(grey), labels, core=("ann",))
    report = hygiene(faces)
    assert report.counts["identical: added in core"] == 1
    assert report.people == {"ann": "ann", "ben": "ben", "cy": "ann"}
    assert set(report.groups["sets"]) == {"core", "added"}
    assert report.groups["file"].tolist() == ["ann #1", "cy #1"]
    nobody = hygiene(FaceDataset("made", faces.images, labels))
    assert nobody.counts["identical images"] == 2


def test_copies_among_colour_photographs_of_people_are_found() -> None:
    colour = [np.asarray(pixels(k)) for k in (1, 2, 3, 4)]
    images = np.stack([*colour, saved_again(pixels(1), 40)])
    report = hygiene(FaceDataset("made", images, ("ann", "ann", "ben", "cy", "dan")))
    assert report.people == {"ann": "ann", "ben": "ben", "cy": "cy", "dan": "ann"}
    assert report.pictures[4] == report.pictures[0]
    grey = np.stack([np.asarray(pixels(k).convert("L")) for k in (1, 2)])
    both = thumbnails(images, np.arange(2)) * thumbnails(grey, np.arange(2))
    assert both.sum(1).min() > 0.999


def test_orl_has_no_twins(orl: FaceDataset) -> None:
    report = hygiene(orl)
    assert report.warnings == () and len(report.groups) == 0
    assert report.counts["people by id"] == report.counts["people joined"] == 40


def saved_again(image: Image.Image, quality: int) -> np.ndarray:
    return read_picture(jpeg(image, quality), "again", (128, 128)).pixels


@pytest.mark.parametrize("change", ["quality 30", "half the size", "darker", "greyer"])
def test_a_changed_copy_is_a_similar_twin(change: str) -> None:
    image = pixels(1)
    copy = {
        "quality 30": saved_again(image, 30),
        "half the size": np.asarray(image.resize((64, 64)).resize((128, 128))),
        "darker": np.asarray(image.point(lambda value: value * 0.7)),
        "greyer": np.asarray(image.point(lambda value: 64 + value * 0.5)),
    }[change]
    images = np.stack([np.asarray(image), copy, np.asarray(pixels(2))])
    assert similar_pairs(thumbnails(images, np.arange(3))).tolist() == [[0, 1]]


def test_flat_images_are_similar_to_nothing() -> None:
    images = np.stack([np.full((40, 30), grey, np.uint8) for grey in (0, 0, 9, 200)])
    vectors = thumbnails(images, np.arange(4))
    assert not vectors.any() and len(similar_pairs(vectors)) == 0


@given(seed=st.integers(0, 10**6), side=st.sampled_from([7, 16, 32]), cut=st.floats(0.3, 1))
@settings(max_examples=40)
def test_similar_pairs_are_those_of_the_naive_twin(seed: int, side: int, cut: float) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (12, side, side), np.uint8)
    images[6:] = np.clip(images[:6] + rng.normal(0, 60, (6, side, side)), 0, 255)
    vectors = thumbnails(images, np.arange(12))
    naive = np.corrcoef(images.reshape(12, -1).astype(float))
    if np.abs(naive - cut).min() < 1e-4:  # which side such a pair falls is rounding
        return
    wanted = [[i, j] for i in range(12) for j in range(i + 1, 12) if naive[i, j] >= cut]
    assert similar_pairs(vectors, cut).tolist() == wanted


def test_similar_pairs_do_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.stack([np.asarray(pixels(k % 7)) for k in range(20)])
    vectors = thumbnails(images, np.arange(20))
    wanted = similar_pairs(vectors).tolist()
    assert len(wanted) == sum(i % 7 == j % 7 for i in range(20) for j in range(i))
    monkeypatch.setattr(similar, "BLOCK", 60)
    assert similar_pairs(vectors).tolist() == wanted
    monkeypatch.setattr(similar, "MAX_PAIRS", 5)
    with pytest.raises(ForgetError, match="images that differ"):
        similar_pairs(vectors)
    for none in (0.0, 1.5, float("nan")):
        with pytest.raises(ForgetError, match="a similarity"):
            similar_pairs(vectors, none)


links = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=15),
    )
)


@given(links)
def test_groups_are_those_of_the_naive_twin(given_: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = given_
    naive = list(range(count))
    for _ in range(count):  # the smallest index travels along every link
        for i in range(count):
            for j in range(count):
                if (i, j) in pairs or (j, i) in pairs:
                    naive[i] = naive[j] = min(naive[i], naive[j])
    groups = group(count, np.asarray(pairs, dtype=np.int64).reshape(-1, 2))
    first: dict[int, int] = {}
    assert groups.tolist() == [first.setdefault(one, len(first)) for one in naive]


@given(st.lists(st.text(max_size=2), max_size=12))
def test_numbers_count_new_values(values: list[str]) -> None:
    first: dict[str, int] = {}
    wanted = [first.setdefault(value, len(first)) for value in values]
    if "\0" not in "".join(values):  # numpy drops trailing NULs
        assert number(np.asarray(values, dtype=np.str_)).tolist() == wanted


@given(
    shown=st.lists(st.integers(0, 4), min_size=8, max_size=8),
    people=st.lists(st.sampled_from("abcd"), min_size=8, max_size=8),
    forget=st.sets(st.integers(0, 4), min_size=1, max_size=4),
    whole=st.sampled_from(["people", "pictures"]),
    deduplicate=st.booleans(),
)
@settings(max_examples=40)
def test_cleaning_any_partition_leaves_nothing_to_clean(
    shown: list[int], people: list[str], forget: set[int], whole: str, deduplicate: bool
) -> None:
    images = np.stack([np.asarray(pixels(k, side=16)) for k in shown])
    data = made(images, [0, 1] * 4, people, train=5, held=1)
    partition = by_index(data, np.array(sorted(forget)), "some")
    try:
        cleaned = clean(partition, whole=whole, deduplicate=deduplicate)  # type: ignore
    except ForgetError:
        assert whole == "people" or set(shown[i] for i in partition.retain) <= {
            shown[i] for i in partition.forget
        }
        return
    after = hygiene(data, cleaned.partition).counts
    assert not any(after.get(name, 0) for name in LEAKS)
    if whole == "people":
        assert not any(after.get(name, 0) for name in STRADDLERS)
    if deduplicate:
        assert after["identical images"] == after["similar images"] == 0
    else:
        assert np.array_equal(cleaned.partition.train, partition.train)
    assert clean(cleaned.partition, whole=whole, deduplicate=deduplicate).did == ()  # type: ignore


def test_files_alone_may_be_compared(faulty: Partition) -> None:
    counts = hygiene(faulty.data, faulty, similarity=None).counts
    assert not any(count for name, count in counts.items() if name.startswith("similar"))
    assert counts["people joined"] == counts["people joined by identical files"] == 4
    assert counts["identical: forget in retain"] == 1


def test_progress_ends_at_its_total_and_may_stop(faulty: Partition) -> None:
    steps: list[tuple[int, int]] = []
    hygiene(faulty.data, faulty, lambda done, total, note="": steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1] and len({total for _, total in steps}) == 1
    assert steps == sorted(steps)

    def stop(done: int, total: int, note: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        hygiene(faulty.data, faulty, stop)


def test_a_saved_report_can_be_read_and_seen(faulty: Partition, tmp_path: Path) -> None:
    report = hygiene(faulty.data, faulty)
    page = report.save(tmp_path / "report")
    folder = page.parent
    assert pd.read_csv(folder / "table.csv")["count"].tolist() == report.table["count"].tolist()
    assert len(pd.read_csv(folder / "groups.csv")) == len(report.groups)
    text = page.read_text()
    sheets = sorted(path.name for path in folder.glob("*.png"))
    assert sheets and all(f'src="{name}"' in text for name in sheets)
    for name in sheets:
        with Image.open(folder / name) as image:
            assert image.width <= 1000 and min(image.size) > 100
    names = {path.name for path in folder.iterdir()}
    assert names == {"table.csv", "groups.csv", "report.html", *sheets}
    clean_report = hygiene(faulty.data, clean(faulty, deduplicate=True).partition)
    assert len(clean_report.groups) == 2  # test and unseen still share a picture
    clean_report.save(folder)
    assert [path.name for path in folder.glob("*.png")] == ["sheet-1.png"]


def test_names_cannot_write_html(tmp_path: Path) -> None:
    images = np.stack([np.asarray(pixels(1).convert("L"))] * 2)
    report = hygiene(FaceDataset("<script>", images, ("<b>", "\u540d&")))
    text = report.save(tmp_path).read_text()
    assert "<script>" not in text and "&lt;script&gt;" in text


def test_a_contact_sheet_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets_of, "GROUPS", 3)
    tile = (np.zeros((300, 200, 3), np.uint8), "a very long caption without an end\nx\ny")
    most = contact_sheet([[tile] * 24] * 9)
    assert most == contact_sheet([[tile] * 8] * 3)
    assert contact_sheet([])


def test_the_faults_of_the_official_archive() -> None:
    if not ((APP_DATA / "mufac").is_dir() or (APP_DATA / "mufac.zip").is_file()):
        pytest.skip("MUFAC is not there; get it with: python -m forget download mufac")
    partition = benchmark(load_mufac())
    report = hygiene(partition.data, partition)
    wanted = {
        "identical images": 5_692,
        "identical groups": 2_457,
        "identical: forget in retain": 18,
        "identical: test in training": 0,
        "identical: unseen in training": 27,
        "identical: unseen in test": 16,
        "similar images": 520,
        "similar: forget in retain": 0,
        "people by id": 896,
        "people to forget by id": 136,
        "people to retain by id": 761,
        "people in forget and retain by id": 1,
        "people joined by identical files": 598,
        "people to forget joined by identical files": 116,
        "people to retain joined by identical files": 485,
        "people in forget and retain joined by identical files": 3,
        "people joined": 577,
        "people in forget and retain joined": 3,
    }
    assert {name: report.counts[name] for name in wanted} == wanted
    both = {"F0046/D": (5, 3), "F0275/S": (8, 16), "F0276/M": (10, 10)}
    for person, sides in both.items():
        ids = {one for one, joined in report.people.items() if joined == report.people[person]}
        for side, count in zip((partition.forget, partition.retain), sides, strict=True):
            assert sum(partition.data.people[i] in ids for i in side) == count
    cleaned = clean(partition, report)
    assert {name: len(indices) for name, indices in cleaned.partition.sets.items()} == {
        "forget": 1_529,
        "retain": 8_496,
        "test": 1_539,
        "unseen": 1_477,
    }
    assert clean(cleaned.partition, report).did == ()


def test_the_similarity_lies_in_an_empty_gap() -> None:
    if not ((APP_DATA / "mufac").is_dir() or (APP_DATA / "mufac.zip").is_file()):
        pytest.skip("MUFAC is not there; get it with: python -m forget download mufac")
    data = load_mufac()
    some = np.arange(1_500)
    vectors = thumbnails(data.images, some)
    assert 0.96 < SIMILARITY < 0.998
    pairs = similar_pairs(vectors, 0.96)
    assert np.array_equal(pairs, similar_pairs(vectors, 0.998)) and len(pairs) > 400


def test_people_to_forget_are_whole_already(sound: Partition) -> None:
    partition = by_person(sound.data, ["F0002/D"])
    assert clean(partition).did == ()
