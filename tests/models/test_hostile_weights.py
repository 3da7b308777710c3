"""Hostile files of weights: nothing of them is run, imported or allocated."""

import builtins
import encodings.cp437  # noqa: F401 - zipfile asks for it, which is no doing of the file
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from models.torch_files import Calls, Tiny, old_of, read, same, saved, zip_of
from torch import nn

from forget.errors import CheckpointError

# What hostile files would do. Each would leave a file behind, were it unpickled.


class Target:
    def __setstate__(self, state: str) -> None:
        Path(state).touch()


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def hostile(canary: str) -> dict[str, bytes]:
    """Pickles by name; each makes the file `canary` when Python's own reader reads it."""
    touch = f"touch {canary}"
    code = f"open({canary!r}, 'w')"
    get = b"c__builtin__\ngetattr\n"
    module = get + b"cos\npath\n" + text("os") + b"\x86R"
    weights = {"a": torch.ones(1)}
    return {
        "os.system": pickle.dumps(Calls(os.system, touch)),
        "eval": pickle.dumps(Calls(builtins.eval, code)),
        "exec": pickle.dumps(Calls(builtins.exec, code), 2),
        "import": pickle.dumps(Calls(builtins.eval, f"__import__('os').system({touch!r})")),
        "open": pickle.dumps(Calls(builtins.open, canary, "w")),
        "getattr": b"\x80\x02" + get + module + text("system") + b"\x86R" + text(touch)
        + b"\x85R.",
        "setstate": pickle.dumps(Calls(Target, state=canary), 2),
        "a key": pickle.dumps({Calls(os.system, touch): 1, "a": 2}),
        "beside weights": pickle.dumps({"net": weights, "x": Calls(os.system, touch)}),
        "instance": b"(" + text(touch) + b"ios\nsystem\n.",
        "object": b"(cos\nsystem\n" + text(touch) + b"o.",
        "popped": b"cos\nsystem\n" + text(touch) + b"\x85R0}.",
        "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93" + text(touch) + b"\x85R.",
    }  # fmt: skip


NAMES = list(hostile("x"))
WATCHED = ("pickle.find_class", "exec", "compile", "import", "os.system", "subprocess.Popen")
HEARD: list[str] | None = None


def hear(event: str, arguments: tuple[Any, ...]) -> None:
    if HEARD is not None and event in WATCHED:
        HEARD.append(f"{event} {arguments}")


sys.addaudithook(hear)  # Python itself tells of imports, calls of the system, code that is run


@pytest.fixture
def events() -> Iterator[Callable[[], list[str]]]:
    """Starts to listen when called, and returns the growing list of what was heard."""

    def start() -> list[str]:
        global HEARD
        HEARD = []
        return HEARD

    yield start
    globals()["HEARD"] = None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", [zip_of, old_of, bytes])
def test_nothing_of_a_file_is_run(
    name: str, form: Callable[[bytes], bytes], tmp_path: Path, events: Callable[[], list[str]]
) -> None:
    canary = tmp_path / "canary"
    data = hostile(str(canary))[name]
    read(saved({"a": torch.ones(1)}), tmp_path)  # imports what reading needs
    heard = events()
    with pytest.raises(CheckpointError, match="torch.save"):
        read(form(data), tmp_path)
    assert heard == [] and not canary.exists()


def run_by_python(data: bytes) -> None:
    try:
        pickle.loads(data)
    except Exception:  # noqa: S110 - only what it leaves behind matters
        pass


@pytest.mark.parametrize("name", NAMES)
def test_the_same_files_would_run_in_pythons_own_reader(
    name: str, tmp_path: Path, events: Callable[[], list[str]]
) -> None:
    canary = tmp_path / "canary"
    heard = events()
    run_by_python(hostile(str(canary))[name])
    assert canary.exists() and heard


@pytest.mark.parametrize("zipped", [True, False])
def test_hostile_company_of_good_weights_stays_asleep(
    zipped: bool, tmp_path: Path, events: Callable[[], list[str]]
) -> None:
    canary = tmp_path / "canary"
    net = Tiny()
    net.evil = Calls(os.system, f"touch {canary}")
    net._parameters["evil"] = None
    data, wanted = saved(net, zipped), net.state_dict()
    heard = events()
    found = read(data, tmp_path)
    assert heard == [] and same(found, wanted) and not canary.exists()


def test_a_hostile_tensor_is_refused(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    net = Tiny()
    net._buffers["kept"] = Calls(os.system, f"touch {canary}")
    with pytest.raises(CheckpointError, match="'kept', which is no tensor"):
        read(saved(net), tmp_path)
    assert not canary.exists()


def module(children: object) -> Calls:
    state = {"_parameters": {}, "_buffers": {}, "_modules": children}
    return Calls(nn.Module, state=state)


def cycle() -> bytes:
    """A module that is its own child."""
    start = b"\x80\x02ctorch.nn\nModule\n)\x81q\x00}(" + text("_parameters") + b"}"
    return start + text("_modules") + b"}" + text("a") + b"h\x00su" + b"b."


def doubling(levels: int) -> bytes:
    """Modules of two children each, which are the same: 2^levels paths in a few bytes."""
    inner = module({})
    for _ in range(levels):
        inner = module({"a": inner, "b": inner})
    return pickle.dumps(inner, 2)


BOMBS = {
    "lists": b"\x80\x02" + b"]" * 90_000 + b"a" * 89_999 + b".",
    "tuples": b"\x80\x02N" + b"\x85" * 100_000 + b".",
    "calls": b"\x80\x02N" + b")R" * 90_000 + b".",
    "laughs": b"\x80\x02]" + b"".join(b"q%c(%bt" % (k, b"h%c" % k * 10) for k in range(60)) + b".",
    "steps": b"\x80\x02" + b"N0" * 150_000 + b"N.",
    "size": b"\x80\x02X" + (2**31 - 1).to_bytes(4, "little") + b"x",
    "number": b"\x80\x02\x8b" + (2**31 - 1).to_bytes(4, "little") + b"x",
    "cycle": cycle(),
    "doubling": doubling(40),
    "nested": doubling(100),
    "no end": b"\x80\x02" + b"N" * 5_000_000,
}  # fmt: skip


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="torch.save"):
        read(zip_of(data), tmp_path)
