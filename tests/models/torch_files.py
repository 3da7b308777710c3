"""What tests of foreign weights share: files of `torch.save`, honest and made by hand."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from forget.models import torch_file
from forget.models.foreign import read_foreign


class Tiny(nn.Module):
    """A module of another project: here its code exists, in the reader it must not matter."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        self.last = nn.Linear(2, 2, bias=False)
        self.register_buffer("kept", torch.arange(3))
        self.register_buffer("temporary", torch.ones(1), persistent=False)
        self.register_buffer("none", None)
        self.absent: nn.Module | None
        self.register_module("absent", None)


def saved(value: object, zipped: bool = True) -> bytes:
    out = io.BytesIO()
    torch.save(value, out, _use_new_zipfile_serialization=zipped)
    return out.getvalue()


def read(data: bytes, root: Path) -> dict[str, np.ndarray]:
    (root / "x.pt").write_bytes(data)
    return read_foreign(root / "x.pt")


def same(found: dict[str, np.ndarray], wanted: dict[str, torch.Tensor]) -> bool:
    return list(found) == list(wanted) and all(
        np.array_equal(found[name], wanted[name].numpy(), equal_nan=True)
        and found[name].dtype == wanted[name].numpy().dtype
        for name in wanted
    )


class Calls:
    """Pickles to a call."""

    def __init__(self, function: Callable, *arguments: object, state: object = None) -> None:
        self.reduced = (function, arguments, state)

    def __reduce_ex__(self, protocol: object) -> tuple:
        return self.reduced


def zip_of(data: bytes, **storages: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        for name, content in storages.items():
            archive.writestr(f"archive/data/{name}", content)
    return out.getvalue()


def old_of(data: bytes) -> bytes:
    first = (torch_file.MAGIC, 1001, {"little_endian": True})
    return b"".join(pickle.dumps(one, 2) for one in first) + data + pickle.dumps([], 2)
