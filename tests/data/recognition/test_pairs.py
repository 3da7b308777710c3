"""Laws of pairs.txt: what it says is what is compared, and a wrong line is named."""

from pathlib import Path

import numpy as np
import pytest
from data.recognition.samples import png
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data.recognition.pairs import photograph_path, read_pair_images, read_pairs
from forget.errors import ForgetError

TEXT = "2\t1\nAnn_Lee\t1\t2\nAnn_Lee\t1\tBen\t3\nBen\t2\t3\nBen\t1\tAnn_Lee\t2\n"


def write(folder: Path, text: str) -> Path:
    (folder / "pairs.txt").write_text(text)
    return folder / "pairs.txt"


def test_folds_of_both_kinds(tmp_path: Path) -> None:
    for text in (TEXT, TEXT.replace("\t", "  "), TEXT.replace("\n", "\r\n") + "\n\n"):
        pairs = read_pairs(write(tmp_path, text))
        assert pairs.same.tolist() == [True, False, True, False] and len(pairs) == 4
        assert pairs.folds.tolist() == [0, 0, 1, 1]
        assert pairs.first == (("Ann_Lee", 1), ("Ann_Lee", 1), ("Ben", 2), ("Ben", 1))
        assert pairs.second == (("Ann_Lee", 2), ("Ben", 3), ("Ben", 3), ("Ann_Lee", 2))


def test_one_number_means_one_fold(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, "1\nA B\t1\t2\nA B\t1\tC\t3\n"))
    assert pairs.first[0] == ("A B", 1) and pairs.folds.tolist() == [0, 0]


people = st.tuples(st.sampled_from(["Ann", "Ben_Oh", "Zo\u00eb", "42"]), st.integers(1, 9999))


@given(
    st.integers(1, 3).flatmap(
        lambda each: st.lists(
            st.lists(st.tuples(people, st.integers(1, 99)), min_size=each, max_size=each),
            min_size=1, max_size=4,
        )
    )
)  # fmt: skip
@settings(max_examples=40)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, folds: list) -> None:
    lines = [f"{len(folds)}\t{len(folds[0])}"]
    first, second = [], []
    for fold in folds:
        for (name, i), j in fold:
            lines.append(f"{name}\t{i}\t{j}")
            first.append((name, i))
            second.append((name, j))
        for (name, i), j in fold:
            lines.append(f"{name}\t{i}\tother\t{j}")
            first.append((name, i))
            second.append(("other", j))
    pairs = read_pairs(write(tmp_path_factory.getbasetemp(), "\n".join(lines)))
    assert (list(pairs.first), list(pairs.second)) == (first, second)
    assert [bool(one) for one in pairs.same] == [one[0] == other[0] for one, other in zip(
        first, second, strict=True)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1"),
        ("x\n", "'x' in line 1"),
        ("\n\n0\t3\n", "line 3"),
        ("1\t2\t3\n", "line 1"),
        ("99999\t99999\n", "line 1"),
        ("9" * 5000, "line 1"),
        ("1\t1\nA\t1\t2\n", "2 pairs, as the head says; got 1"),
        (TEXT + "Ann\t1\t2\n", "line 6"),
        ("1\t1\nA\t1\t2\nA\t1\t3\n", "got 2 in fold 1"),
        *(
            ("1\t1\nB\t1\t2\n" + line.replace(" ", "\t"), "line 3")
            for line in (
                *("A", "A 1", "A 1 0", "A x 2", "A 1 A 2", "A 1 B", "A 1 B 2 3", "A 1 B -1"),
                *("../A 1 B 1", ".. 1 B 2", "A 1 B/C 2", "A 1 B \u00b2", "A 1 B 99999999"),
            )
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ForgetError, match=reason):
        read_pairs(write(tmp_path, text))


@given(data=st.binary(max_size=40))
@settings(max_examples=150)
def test_any_bytes_give_pairs_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "pairs.txt"
    for start in (b"", b"1\nA\t1\t2\n", TEXT.encode()):
        path.write_bytes(start + data)
        try:
            assert len(read_pairs(path)) in (2, 4)
        except ForgetError:
            pass


def test_photographs_are_read_once_and_in_order(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, TEXT))
    with pytest.raises(ForgetError, match=r"5 photographs in .*Ann_Lee_0001.jpg.* and 2 more"):
        read_pair_images(pairs, tmp_path)
    assert photograph_path(tmp_path, ("Ann_Lee", 12345)).name == "Ann_Lee_12345.jpg"
    photos = sorted({*pairs.first, *pairs.second})
    for number, photo in enumerate(photos):
        path = photograph_path(tmp_path, photo, ".png")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(number))
    found = read_pair_images(pairs, tmp_path, ".png")
    assert np.array_equal(found.same, pairs.same)
    for k in range(len(pairs)):
        assert found.images[2 * k] == png(photos.index(pairs.first[k]))
        assert found.images[2 * k + 1] == png(photos.index(pairs.second[k]))
    assert found.images[0] is found.images[2]
