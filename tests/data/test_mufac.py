"""Laws of MUFAC: one result however it lies there, odd rows counted, nothing trusted."""

import hashlib
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from data.mufac_sample import Sample, jpeg, pixels, plain
from PIL import Image

from forget.data import mufac
from forget.data.image_dataset import ImageDataset
from forget.data.mufac import benchmark, load_mufac
from forget.data.sources import APP_DATA
from forget.errors import ForgetError, PhotographError
from forget.progress import Cancelled


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setattr(mufac, "APP_DATA", folder)
    return folder


def load(sample: Sample, tmp_path: Path) -> ImageDataset:
    return load_mufac(sample.zip(tmp_path / "mufac.zip"))


def same(one: ImageDataset, other: ImageDataset) -> bool:
    return (
        np.array_equal(one.images, other.images)
        and np.array_equal(one.labels, other.labels)
        and (one.people, one.files, one.hashes) == (other.people, other.files, other.hashes)
        and all(np.array_equal(one.parts[part], other.parts[part]) for part in one.parts)
    )


def test_parts_labels_people_files_and_hashes_are_those_of_the_tables(tmp_path: Path) -> None:
    sample = plain()
    data = load(sample, tmp_path)
    assert {part: len(indices) for part, indices in data.parts.items()} == {
        "train": 24,
        "test": 8,
        "unseen": 8,
    }
    rows = [(stem, row) for stem in ("train", "val", "test") for row in sample.rows[stem]]
    for i, (stem, (family, person, age, name)) in enumerate(rows):
        stored = sample.files[f"{stem}_images/{name}"]
        assert data.people[i] == f"{family}/{person}"
        assert data.files[i] == f"{stem}_images/{name}"
        assert data.hashes[i] == hashlib.sha256(stored).hexdigest()
        assert data.labels[i] == "abcdefgh".index(age)
        with Image.open(BytesIO(stored)) as image:
            assert np.array_equal(data.images[i], np.asarray(image))
    assert data.notes == () and data.classes[4] == "31-45 years old"
    assert data.parts["unseen"].tolist() == list(range(32, 40))


@pytest.mark.parametrize("outer", ["", "mufac/", "my/copy/"])
def test_a_zip_and_its_folder_give_the_same(outer: str, tmp_path: Path) -> None:
    sample = plain()
    zipped = load_mufac(sample.zip(tmp_path / "a.zip", outer))
    sample.folder(tmp_path / "b" / outer)
    assert same(zipped, load_mufac(tmp_path / "b"))


def test_app_data_is_looked_through_and_the_remedy_is_the_command(home: Path) -> None:
    with pytest.raises(ForgetError, match="python -m forget download mufac") as caught:
        load_mufac()
    assert str(home / "mufac.zip") in caught.value.remedy
    home.mkdir()
    zipped = load_mufac(plain().zip(home / "other.zip"))
    plain().zip(home / "mufac.zip")
    assert same(zipped, load_mufac())
    other = plain(images=3)
    other.folder(home / "mufac")
    assert len(load_mufac().images) == 30


def spoil_missing(sample: Sample) -> None:
    del sample.files[f"train_images/{sample.rows['train'][0][3]}"]


def spoil_cut_off(sample: Sample) -> None:
    path = f"train_images/{sample.rows['train'][0][3]}"
    sample.files[path] = sample.files[path][:300]


def spoil_by_no_picture(sample: Sample) -> None:
    sample.files[f"train_images/{sample.rows['train'][0][3]}"] = b"<html>"


def spoil_class(sample: Sample) -> None:
    family, person, _, name = sample.rows["train"][0]
    sample.rows["train"][0] = (family, person, "z", name)


def spoil_row(sample: Sample) -> None:
    sample.rows["train"][0] = ("F0001", "D", "", "")


def spoil_by_surplus(sample: Sample) -> None:
    family, person, age, name = sample.rows["train"][0]
    sample.rows["train"][0] = (family, person, age, f"{name},surplus")


def spoil_path(sample: Sample) -> None:
    family, person, age, _ = sample.rows["train"][0]
    sample.rows["train"][0] = (family, person, age, "../val_images/x.jpg")


SPOILT: dict[Callable[[Sample], None], str] = {
    spoil_missing: "missing",
    spoil_cut_off: "cannot be decoded",
    spoil_by_no_picture: "cannot be decoded",
    spoil_class: "unknown age class",
    spoil_row: "malformed",
    spoil_by_surplus: "malformed",
    spoil_path: "leaves the folder",
}


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_what_cannot_be_used_is_left_out_and_told(
    spoil: Callable[[Sample], None], tmp_path: Path
) -> None:
    whole = load_mufac(plain().zip(tmp_path / "whole.zip"))
    sample = plain()
    spoil(sample)
    data = load(sample, tmp_path)
    assert any(note.startswith("1 ") and SPOILT[spoil] in note for note in data.notes), data.notes
    assert data.files == whole.files[1:]  # all the others, in their order
    assert np.array_equal(data.images, whole.images[1:])
    assert len(data.train) == 23
    assert same(data, load(sample, tmp_path)) and data.notes == load(sample, tmp_path).notes


def test_upper_and_lower_case_of_names_may_differ(tmp_path: Path) -> None:
    sample = plain()
    family, person, age, name = sample.rows["train"][0]
    sample.rows["train"][0] = (family, person, age.upper(), name.replace(".jpg", ".JPG"))
    data = load(sample, tmp_path)
    assert data.files[0].endswith(f"{name}") and len(data.images) == 40
    assert any("other upper and lower case" in note for note in data.notes)


def test_two_files_that_differ_in_case_only_are_not_guessed_between(tmp_path: Path) -> None:
    sample = plain()
    family, person, age, name = sample.rows["train"][0]
    sample.files[f"train_images/{name.upper()}"] = sample.files[f"train_images/{name}"]
    sample.rows["train"][0] = (family, person, age, name.title())
    assert len(load(sample, tmp_path).images) == 39


def test_surplus_files_and_repeated_rows_are_left_out_and_told(tmp_path: Path) -> None:
    sample = plain()
    sample.files["train_images/more.jpg"] = jpeg(pixels(99))
    family, person, age, name = sample.rows["train"][0]
    sample.rows["train"] += [(family, person, age, name), (family, person, "h", name)]
    data = load(sample, tmp_path)
    assert len(data.images) == 40 and data.labels[0] == 0
    assert [note.split(",")[0] for note in data.notes] == [
        "1 repeated rows left out",
        "1 rows that contradict an earlier one",
        "1 files that no usable row names",
    ]


def test_tables_may_have_a_byte_order_mark_and_any_line_ends(tmp_path: Path) -> None:
    sample, odd = plain(), plain()
    odd.files["custom_train_dataset.csv"] = b"\xef\xbb\xbf" + sample.table("train").replace(
        b"\n", b"\r\n"
    )
    wanted = load_mufac(sample.zip(tmp_path / "plain.zip"))
    data = load(odd, tmp_path)
    assert same(wanted, data) and data.notes == ()


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "P"])
def test_other_sizes_and_colours_become_128_pixels_of_rgb(mode: str, tmp_path: Path) -> None:
    sample = plain()
    image = pixels(1, side=200).convert(mode)
    kind = "JPEG" if mode in ("L", "CMYK") else "PNG"
    sample.files[f"train_images/{sample.rows['train'][0][3]}"] = jpeg(image, kind=kind)
    data = load(sample, tmp_path)
    assert data.images.shape == (40, 128, 128, 3) and len(data.notes) == 2
    wanted = np.asarray(image.convert("RGB").resize((128, 128), Image.Resampling.BICUBIC))
    if mode != "P":  # a palette is not convertible without loss
        assert np.abs(data.images[0].astype(int) - wanted).mean() < 8
    assert "cropped around their centre" in data.notes[0] + data.notes[1]


def test_a_wide_image_keeps_its_centre(tmp_path: Path) -> None:
    sample = plain()
    wide = Image.new("RGB", (384, 128), "red")
    wide.paste("blue", (128, 0, 256, 128))
    sample.files[f"train_images/{sample.rows['train'][0][3]}"] = jpeg(wide, kind="PNG")
    assert (load(sample, tmp_path).images[0] == (0, 0, 255)).all()


def test_too_little_is_an_error(tmp_path: Path) -> None:
    sample = plain()
    for row in sample.rows["val"][:5]:
        del sample.files[f"val_images/{row[3]}"]
    with pytest.raises(ForgetError, match="the 8 images of custom_val_dataset.csv"):
        load(sample, tmp_path)
    sample = plain()
    for row in sample.rows["val"][:5]:
        sample.files[f"val_images/{row[3]}"] = b"none"
    with pytest.raises(ForgetError, match="cannot be decoded"):
        load(sample, tmp_path)


@pytest.mark.parametrize("stem", ["train", "val", "test"])
def test_a_missing_table_column_or_row_is_an_error(stem: str, tmp_path: Path) -> None:
    sample = plain()
    files = sample.everything()
    del files[f"custom_{stem}_dataset.csv"]
    for name, data in files.items():
        path = tmp_path / "copy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with pytest.raises(ForgetError, match=f"custom_{stem}_dataset.csv"):
        load_mufac(tmp_path / "copy")
    sample.files[f"custom_{stem}_dataset.csv"] = sample.table(stem).replace(b"age_class", b"age")
    with pytest.raises(ForgetError, match="no age_class"):
        load(sample, tmp_path)
    for broken in (b"", b"\xff\xfe\x00", f"{sample.columns}\n".encode()):
        sample.files[f"custom_{stem}_dataset.csv"] = broken
        with pytest.raises(ForgetError):
            load(sample, tmp_path)


def test_links_out_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    sample, copy = plain(), tmp_path / "copy"
    sample.folder(copy)
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(jpeg(pixels(77)))
    linked = copy / "train_images" / sample.rows["train"][0][3]
    linked.unlink()
    os.symlink(secret, linked)
    data = load_mufac(copy)
    assert hashlib.sha256(secret.read_bytes()).hexdigest() not in data.hashes
    assert any("links or devices" in note for note in data.notes)


def test_a_zip_that_is_none_or_could_do_harm_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04" + b"nonsense" * 100)
    with pytest.raises(PhotographError, match="python -m forget download mufac"):
        load_mufac(broken)
    with pytest.raises(PhotographError, match="escapes"):
        load_mufac(plain().zip(tmp_path / "hostile.zip", names=["../../outside"]))
    with pytest.raises(ForgetError, match="a copy of MUFAC"):
        load_mufac(tmp_path / "nowhere")


def test_progress_counts_every_image_and_stopping_leaves_nothing(
    tmp_path: Path, home: Path
) -> None:
    archive, steps = plain().zip(tmp_path / "mufac.zip"), []

    def stop(done: int, total: int, note: str = "") -> None:
        steps.append((done, total))
        if done == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        load_mufac(archive, stop)
    assert steps == [(k, 40) for k in range(1, 6)]
    assert list((home / "cache").iterdir()) == []
    load_mufac(archive, lambda done, total, note="": steps.append((done, total)))
    assert steps[5:] == [(k, 40) for k in range(1, 41)]


def test_the_second_load_decodes_nothing_and_a_change_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample, copy = plain(), tmp_path / "copy"
    first = load_mufac(sample.folder(copy))
    decoded = []
    real = mufac.read_picture
    monkeypatch.setattr(
        mufac, "read_picture", lambda *given: decoded.append(given[1]) or real(*given)
    )
    assert same(first, load_mufac(copy)) and decoded == []
    assert not first.images.flags.writeable
    (copy / "train_images" / sample.rows["train"][3][3]).write_bytes(jpeg(pixels(1234)))
    changed = load_mufac(copy)
    assert len(decoded) == 40
    assert [i for i in range(40) if first.hashes[i] != changed.hashes[i]] == [3]


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path, home: Path) -> None:
    wanted = load_mufac(plain().zip(tmp_path / "mufac.zip"))
    for path in (home / "cache").iterdir():
        path.unlink()
    (home / "cache").rmdir()
    (home / "cache").write_text("a file where the folder should be")
    data = load_mufac(tmp_path / "mufac.zip")
    assert same(wanted, data) and not data.images.flags.writeable
    assert "cannot be written" in data.notes[0] and "again" in data.notes[0]


def test_the_benchmark_forgets_the_first_images_of_the_training_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load(plain(), tmp_path)
    with pytest.raises(ForgetError, match="more than 1,500 training images"):
        benchmark(data)
    monkeypatch.setattr(mufac, "FORGET_IMAGES", 10)
    partition = benchmark(data)
    assert partition.forget.tolist() == list(range(10))
    assert partition.retain.tolist() == list(range(10, 24))
    assert partition.test.tolist() == list(range(24, 32))
    assert partition.unseen.tolist() == list(range(32, 40))
    monkeypatch.setattr(mufac, "FORGET_IMAGES", 24)
    with pytest.raises(ForgetError):
        benchmark(data)


def test_the_official_archive_is_read_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not ((APP_DATA / "mufac").is_dir() or (APP_DATA / "mufac.zip").is_file()):
        pytest.skip("MUFAC is not there; get it with: python -m forget download mufac")
    monkeypatch.setattr(mufac, "APP_DATA", APP_DATA)
    data = load_mufac()
    assert data.images.shape == (13_068, 128, 128, 3) and data.notes == ()
    assert [len(data.parts[part]) for part in ("train", "test", "unseen")] == [
        10_025,
        1_539,
        1_504,
    ]
    assert np.bincount(data.labels).tolist() == [2894, 2678, 2272, 1669, 1826, 956, 500, 273]
    assert data.files[0] == "train_images/F0001_AGE_D_18_a1.jpg" and data.people[0] == "F0001/D"
    assert len(benchmark(data).retain) == 8_525 and len(set(data.people)) == 1_216
