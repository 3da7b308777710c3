"""What can be downloaded: from where, how large, under which licence, and where it lies then."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from forget.data.archives import unpack_gzip, unpack_tar, unpack_zip
from forget.data.sources import APP_DATA, Archive, fetch
from forget.errors import ForgetError
from forget.progress import OnStep, silent

__all__ = ["CATALOGUE", "MIRROR", "Source", "download"]

MIRROR = "FORGET_MIRROR_"  # + the name: address of a folder that holds the same files
MEGA = 10**6

MUFAC = (
    "https://postechackr-my.sharepoint.com/:u:/g/personal/dongbinna_postech_ac_kr/"
    "EbMhBPnmIb5MutZvGicPKggBWKm5hLs0iwKfGW7_TwQIKg?download=1"
)
MUFAC_HOLDS = tuple(
    name.format(part)
    for name in ("custom_{}_dataset.csv", "{}_images")
    for part in ("train", "val", "test")
)
WEIGHTS = "https://drive.google.com/uc?export=download&id=1KYoa8KsXjCQSv6Ka1ep9v3q1oQLNe85h"
DAMAGED = (RuntimeError, OSError, EOFError, ValueError, LookupError, AssertionError, TypeError)


@dataclass(frozen=True)
class Source:
    """One thing that can be downloaded.

    Arguments:
        title: What it is, in a few words.
        size: How much is transferred, in words.
        licence: What may be done with it, in words.
        get: Fetches and unpacks it below a folder and returns where it lies.
    """

    title: str
    size: str
    licence: str
    get: Callable[[Path, OnStep], Path]


def download(name: str, root: Path | None = None, on_step: OnStep = silent) -> Path:
    """Fetches one source of `CATALOGUE`, checks it and unpacks it; what is there is left alone.

    Arguments:
        name: A key of `CATALOGUE`.
        root: The folder that it goes into; `app_data/` by default.
        on_step: Gets bytes so far and their total, 0 where it is not known; may raise `Cancelled`,
            and the next call goes on from there.

    Returns:
        The folder that holds it now.

    Raises:
        ForgetError: It could not be had; the remedy is the manual step.
    """
    if name not in CATALOGUE:
        raise ForgetError(f"one of {', '.join(CATALOGUE)}", repr(name), "Choose one of them.")
    return CATALOGUE[name].get(APP_DATA if root is None else root, on_step)


def _mufac(root: Path, on_step: OnStep) -> Path:
    # No hash is pinned: the authors publish none, and may pack the same images anew.
    archive = Archive(_mirrored("mufac", "mufac.zip") or MUFAC, most=1_000 * MEGA)
    return _zip(archive, root / "mufac.zip", root / "mufac", MUFAC_HOLDS, on_step)


def _weights(root: Path, on_step: OnStep) -> Path:
    url = _mirrored("weights", "app_data.zip") or WEIGHTS
    archive = Archive(url, most=4_000 * MEGA, confirms=True)
    return _zip(archive, root / "app_data.zip", root / "weights", (), on_step)


def _zip(
    archive: Archive, path: Path, folder: Path, holds: Sequence[str], on_step: OnStep
) -> Path:
    if not (folder.is_dir() and any(folder.iterdir())):
        unpack_zip(fetch(archive, path, on_step), folder, holds, 2 * archive.most, on_step)
    if missing := [name for name in holds if not (folder / name).exists()]:
        raise ForgetError(
            f"{folder} to be absent or complete",
            f"a folder without {missing[0]}",
            "It is not overwritten: move it away and try again.",
        )
    return folder


def _mnist(root: Path, on_step: OnStep) -> Path:
    from torchvision.datasets import MNIST

    folder = root / "mnist"
    raw = folder / "MNIST" / "raw"
    mirror = _mirrored("mnist", "")
    mirrors = [mirror] if mirror else MNIST.mirrors
    for name, md5 in MNIST.resources:
        if not (raw / name).with_suffix("").is_file():
            archives = [Archive(base + name, md5=md5, most=100 * MEGA) for base in mirrors]
            unpack_gzip(_first(archives, raw / name, on_step), (raw / name).with_suffix(""))
    for train in (True, False):
        try:
            part = MNIST(folder, train=train)
            if len(part.data) != len(part.targets):
                raise ValueError(f"{len(part.data)} images, {len(part.targets)} labels")
        except DAMAGED as error:
            raise _damaged(raw, error) from error
    return folder


def _cifar10(root: Path, on_step: OnStep) -> Path:
    from torchvision.datasets import CIFAR10

    folder = root / "cifar10"
    if not (folder / CIFAR10.base_folder).is_dir():
        url = _mirrored("cifar10", CIFAR10.filename) or CIFAR10.url
        archive = Archive(url, md5=CIFAR10.tgz_md5, most=400 * MEGA)
        path = fetch(archive, folder / CIFAR10.filename, on_step)
        unpack_tar(path, folder / CIFAR10.base_folder, under=CIFAR10.base_folder)
    try:
        CIFAR10(folder)  # unpickles only files that have the MD5 that torchvision knows
    except DAMAGED as error:
        raise _damaged(folder / CIFAR10.base_folder, error) from error
    return folder


def _lfw(root: Path, on_step: OnStep) -> Path:
    from sklearn.datasets._lfw import FUNNELED_ARCHIVE, TARGETS

    folder = root / "lfw"
    faces = folder / "lfw_funneled"
    for one in TARGETS if faces.is_dir() else (*TARGETS, FUNNELED_ARCHIVE):
        url = _mirrored("lfw", one.filename) or one.url
        fetch(Archive(url, one.checksum, most=500 * MEGA), folder / one.filename, on_step)
    unpack_tar(folder / FUNNELED_ARCHIVE.filename, faces, under="lfw_funneled", suffix=".jpg")
    return folder


def _first(archives: Sequence[Archive], path: Path, on_step: OnStep) -> Path:
    """The file from the first mirror that has it; the error is that of the first mirror."""
    errors: list[ForgetError] = []
    for archive in archives:
        try:
            return fetch(archive, path, on_step)
        except ForgetError as error:
            errors.append(error)
    raise errors[0]


def _damaged(folder: Path, error: Exception) -> ForgetError:
    return ForgetError(
        f"the files of the data set in {folder}",
        f"others or damaged ones ({error})",
        f"Delete {folder} and try again.",
    )


def _mirrored(name: str, file: str) -> str:
    """The address of a file on the mirror that the environment names; empty if it names none."""
    base = os.environ.get(MIRROR + name.upper(), "")
    if not base:
        return ""
    try:
        parts = urlsplit(base)
        usable = parts.scheme in ("http", "https") and parts.netloc and base.isascii()
    except ValueError:
        usable = False
    if not usable:
        raise ForgetError(
            f"the http or https address of a folder in {MIRROR}{name.upper()}",
            repr(base),
            "Correct the variable or unset it.",
        )
    return f"{base.rstrip('/')}/{file}"


CATALOGUE: dict[str, Source] = {
    "mufac": Source(
        "Korean family faces with ages, 13,068 images of 128 x 128 pixels",
        "about 115 MB",
        "research only (AI Hub); must not be passed on",
        _mufac,
    ),
    "weights": Source(
        "networks that an earlier version of this project trained",
        "as large as Google Drive says",
        "none stated; training data unknown",
        _weights,
    ),
    "mnist": Source(
        "handwritten digits, 70,000 images of 28 x 28 pixels", "12 MB", "CC BY-SA 3.0", _mnist
    ),
    "cifar10": Source(
        "small photographs of ten kinds, 60,000 images of 32 x 32 pixels",
        "170 MB",
        "none stated; made for research",
        _cifar10,
    ),
    "lfw": Source(
        "Labeled Faces in the Wild, funneled: 13,233 photographs of 5,749 people",
        "about 240 MB",
        "none stated; made for research",
        _lfw,
    ),
}
