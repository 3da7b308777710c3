"""Laws of the pixel cache: what is opened is what was built, or it is built again."""

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forget.data import pixel_cache
from forget.data.pixel_cache import Cached, Keep, cached_pixels, stamp

SHAPE = (6, 5, 3)
KEY = "a" * 64
IMAGES = np.random.default_rng(0).integers(0, 256, (40, *SHAPE), np.uint8)


class Builder:
    """Builds the images and counts how often."""

    def __init__(self, images: np.ndarray = IMAGES, pause: float = 0) -> None:
        self.images, self.pause, self.built = images, pause, 0

    def __call__(self, keep: Keep) -> dict[str, Any]:
        self.built += 1
        for image in self.images:
            keep(image)
            time.sleep(self.pause)
        return {"names": [f"image {k}" for k in range(len(self.images))]}


def get(folder: Path, builder: Builder, key: str = KEY) -> Cached:
    return cached_pixels(folder, "some", key, SHAPE, builder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_built_once_then_mapped_read_only(tmp_path: Path) -> None:
    builder = Builder()
    for _ in range(3):
        cached = get(tmp_path, builder)
        assert np.array_equal(cached.images, IMAGES) and cached.trouble == ""
        assert cached.index == {"names": [f"image {k}" for k in range(40)]}
        assert not cached.images.flags.writeable
        assert isinstance(cached.images.base, np.memmap)
    assert builder.built == 1
    assert names(tmp_path) == [f"some-{KEY[:16]}.json", f"some-{KEY[:16]}.npy"]


@given(count=st.integers(0, 12))
@settings(max_examples=13)
def test_any_number_of_images_comes_back(
    tmp_path_factory: pytest.TempPathFactory, count: int
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    get(folder, Builder(IMAGES[:count]))
    again = Builder()
    assert np.array_equal(get(folder, again).images, IMAGES[:count]) and again.built == 0


def test_another_key_is_another_cache_and_replaces_the_first(tmp_path: Path) -> None:
    old = get(tmp_path, Builder())
    other = get(tmp_path, Builder(IMAGES[::-1]), key="b" * 64)
    assert np.array_equal(other.images, IMAGES[::-1])
    assert np.array_equal(old.images, IMAGES)  # still mapped
    assert names(tmp_path) == ["some-bbbbbbbbbbbbbbbb.json", "some-bbbbbbbbbbbbbbbb.npy"]


@pytest.mark.parametrize("which", [".npy", ".json"])
@pytest.mark.parametrize("harm", ["removed", "emptied", "cut", "flipped", "lengthened", "another"])
def test_what_was_damaged_is_built_again(which: str, harm: str, tmp_path: Path) -> None:
    get(tmp_path, Builder())
    path = tmp_path / f"some-{KEY[:16]}{which}"
    data = path.read_bytes()
    middle = len(data) // 2
    if harm == "removed":
        path.unlink()
    elif harm == "another":
        get(tmp_path / "other", Builder(IMAGES[::-1]))
        path.write_bytes((tmp_path / "other" / path.name).read_bytes())
    else:
        damaged = {
            "emptied": b"",
            "cut": data[:middle],
            "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "lengthened": data + b" x",
        }
        path.write_bytes(damaged[harm])
    again = Builder()
    cached = get(tmp_path, again)
    assert np.array_equal(cached.images, IMAGES)
    assert again.built == 1
    assert len(cached.index["names"]) == 40
    final = Builder()
    get(tmp_path, final)
    assert final.built == 0


def test_an_index_of_another_format_is_not_read(tmp_path: Path) -> None:
    get(tmp_path, Builder())
    path = tmp_path / f"some-{KEY[:16]}.json"
    for text in ("[]", "null", "3", "{}", json.dumps({"sha256": 1})):
        path.write_text(text)
        builder = Builder()
        get(tmp_path, builder)
        assert builder.built == 1


def test_what_build_raises_passes_through_and_leaves_nothing(tmp_path: Path) -> None:
    def stopped(keep: Keep) -> dict[str, Any]:
        keep(IMAGES[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_pixels(tmp_path, "some", KEY, SHAPE, stopped)
    assert names(tmp_path) == []
    with pytest.raises(TypeError):
        get(tmp_path, Builder(IMAGES[:, :3]))
    assert names(tmp_path) == []


def killed(folder: Path) -> None:
    def build(keep: Keep) -> dict[str, Any]:
        for image in IMAGES[:20]:
            keep(image)
        os._exit(9)

    cached_pixels(folder, "some", KEY, SHAPE, build)


def test_a_process_killed_while_building_leaves_nothing_taken_for_whole(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=killed, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 9
    (part,) = tmp_path.glob("*.part")
    builder = Builder()
    assert np.array_equal(get(tmp_path, builder).images, IMAGES) and builder.built == 1
    assert part.exists()  # it might be somebody's who is alive
    os.utime(part, (0, 0))
    get(tmp_path, Builder(), key="c" * 64)
    assert not part.exists()


def built_by(folder: Path, results: Any) -> None:  # noqa: ANN401 - a queue of any context
    builder = Builder(pause=0.005)
    cached = get(folder, builder)
    results.put((builder.built, np.array_equal(cached.images, IMAGES)))


def test_two_processes_at_once_build_once_and_see_the_same(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    crowd = [context.Process(target=built_by, args=(tmp_path, results)) for _ in range(3)]
    for process in crowd:
        process.start()
    found = [results.get(timeout=60) for _ in crowd]
    for process in crowd:
        process.join()
    assert all(right for _, right in found)
    assert sum(built for built, _ in found) == 1


def test_a_full_disk_is_told_and_the_images_come_anyway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pixel_cache.os, "fsync", full)
    builder = Builder()
    cached = get(tmp_path, builder)
    assert np.array_equal(cached.images, IMAGES) and not cached.images.flags.writeable
    assert "No space left on device" in cached.trouble and names(tmp_path) == []


def test_a_stamp_changes_with_any_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    seen = {stamp(folder)}
    (folder / "a.jpg").write_bytes(b"one")
    seen.add(stamp(folder))
    (folder / "a.jpg").write_bytes(b"longer")
    seen.add(stamp(folder))
    os.utime(folder / "a.jpg", (1, 1))
    seen.add(stamp(folder))
    (folder / "a.jpg").rename(folder / "b.jpg")
    seen.add(stamp(folder))
    (folder / "t.csv").write_bytes(b"1")
    os.utime(folder / "t.csv", (1, 1))
    seen.add(stamp(folder))
    (folder / "t.csv").write_bytes(b"2")
    os.utime(folder / "t.csv", (1, 1))
    seen.add(stamp(folder))
    assert len(seen) == 7 and stamp(folder) in seen
