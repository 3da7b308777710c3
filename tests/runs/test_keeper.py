"""A training without a run folder goes on after a kill, and takes nobody else's state."""

from pathlib import Path

import torch

from forget.runs.keeper import FileKeeper


def test_it_gives_back_what_was_saved(tmp_path: Path) -> None:
    keeper = FileKeeper(tmp_path / "partial.pt", {"seed": 0})
    assert keeper.load() is None
    keeper.save({"epoch": 3, "network": {"w": torch.arange(3.0)}})
    again = FileKeeper(tmp_path / "partial.pt", {"seed": 0}).load()
    assert again["epoch"] == 3
    assert torch.equal(again["network"]["w"], torch.arange(3.0))
    keeper.drop()
    keeper.drop()
    assert keeper.load() is None


def test_other_settings_or_a_broken_file_begin_anew(tmp_path: Path) -> None:
    path = tmp_path / "partial.pt"
    FileKeeper(path, {"seed": 0}).save({"epoch": 3})
    assert FileKeeper(path, {"seed": 1}).load() is None
    path.write_bytes(path.read_bytes()[:50])
    assert FileKeeper(path, {"seed": 0}).load() is None
