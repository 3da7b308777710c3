"""`python -m forget audit`: saved models, and names as people write them."""

import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from known_fates import PEOPLE, deletion
from PIL import Image

from forget.__main__ import main
from forget.data.dataset import FaceDataset
from forget.linear.archive import save_model
from forget.linear.model import LinearModel


def test_the_command_audits_saved_models(
    model: LinearModel, orl: FaceDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = deletion(orl, "subtract")(model, PEOPLE)
    for name, one in (("before", model), ("after", left)):
        save_model(one, tmp_path / f"{name}.safetensors")
    never = ",".join(p for p in orl.added if p not in PEOPLE)
    command = ["audit", "--after", str(tmp_path / "after.safetensors"), "--people", "s25,s34"]
    command += ["--before", str(tmp_path / "before.safetensors"), "--shadows", "6"]
    command += ["--reference", str(tmp_path / "after.safetensors"), "--never", never[:23]]
    assert main([*command, "--out", str(tmp_path / "audit")]) == 0
    shown = capsys.readouterr().out
    assert "detected by shadows" in shown and "report.html" in shown
    table = pd.read_csv(tmp_path / "audit" / "lines.csv").set_index("question")
    assert (
        table.loc["taken for somebody", "reference"]
        == table.loc["taken for somebody", "forgotten"]
    )
    assert main([*command[:2], str(tmp_path / "before.safetensors"), *command[3:]]) == 2
    assert "the one from before goes to --before" in capsys.readouterr().err
    assert main([*command, "--method", "magic"]) == 2


def test_names_are_found_as_people_write_them(
    orl: FaceDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["Smith, John", unicodedata.normalize("NFC", "Anna Müller"), "Bo", "Lone"]
    for name, person in zip(names, orl.identities, strict=False):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for i in orl.of(person)[: 1 if name == "Lone" else 3]:
            Image.fromarray(orl.images[i]).save(tmp_path / "faces" / name / f"{i}.png")
    command = ["audit", "--after", str(tmp_path / "none"), "--data", str(tmp_path / "faces")]
    written = ["Smith, John", unicodedata.normalize("NFD", "Anna Müller"), "Bo, Smith, John"]
    for people in written:  # all are there, so the missing model is what is told
        assert main([*command, "--people", people]) == 2
        assert "none" in (said := capsys.readouterr().err) and "Nearest ids" not in said
    assert main([*command, "--people", "Bo,Lone"]) == 2
    assert "Lone: left out, 1 different readable photograph(s)" in capsys.readouterr().err
    assert main([*command, "--people", "Bo,Jim"]) == 2
    assert "got 'Jim'" in capsys.readouterr().err
