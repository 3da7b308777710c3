"""References: what stands beside an audited model, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forget.__main__ import main
from forget.auditing.evidence import Evidence
from forget.auditing.figures import histogram, lines_chart
from forget.auditing.linear import audit
from forget.auditing.reference import beyond, check_reference, described
from forget.auditing.report import page, plain_values, summary
from forget.auditing.subject import Subject, from_linear, never_enrolled
from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.linear.archive import save_model, without_store
from forget.linear.feature_map import Penultimate
from forget.linear.model import LinearModel
from forget.methods.refit import refit
from forget.methods.registry import unlearn
from forget.metrics.detection import detect
from forget.models.checkpoint import TrainingRecord
from forget.models.embedder import Embedder

PEOPLE = ["s34"]


@pytest.fixture(scope="module")
def after(model: LinearModel, orl: FaceDataset) -> LinearModel:
    return unlearn(model, orl, PEOPLE, "subtract").model  # type: ignore[return-value]


@pytest.fixture(scope="module")
def evidence(orl: FaceDataset) -> Evidence:
    return Evidence.of(orl, PEOPLE, ["s31", "s32", "s33"])


def said(one: LinearModel, other: LinearModel, evidence: Evidence) -> str:
    return described(from_linear(one, "reference"), from_linear(other, "after"), evidence)


class Cut(Penultimate):
    """A network whose photographs are of another size."""

    def features(self, images: np.ndarray) -> np.ndarray:
        return super().features(images[:, :64])


def test_a_reference_is_described_by_what_it_shares(
    model: LinearModel, after: LinearModel, orl: FaceDataset, evidence: Evidence
) -> None:
    same = refit(model, orl, PEOPLE)
    assert "the audited model, bit for bit" in said(same, after, evidence)
    assert after.statistics.digest()[:8] in said(same, after, evidence)
    softer = replace(same, rule=replace(same.rule, ridge=0.1))
    assert "shares the audited model's network; its readout" in said(softer, after, evidence)
    hidden = unlearn(model, orl, PEOPLE, "project").model
    assert "not what was edited" in said(same, hidden, evidence)  # type: ignore[arg-type]
    fewer = said(refit(model, orl, [*PEOPLE, "s01", "s02"]), after, evidence)
    assert "It knows 37 of the 39 people who stay" in fewer
    store, _ = after.parts()
    twin = replace(after, store=store.drop(["s35"]).append("s35", model.parts()[0]["s34"]))
    assert "enrolled as Person 35" in said(twin, softer, evidence)
    assert described(None, from_linear(after, "after"), evidence) == ""


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (None, "nobody recorded whom it was trained on"),
        (TrainingRecord(frozenset(["s34"]), frozenset()), "trained on Person 34 as well"),
        (TrainingRecord(frozenset(["s01"]), frozenset()), "trained on none of them"),
    ],
)
def test_another_network_is_described_by_its_record(
    record: TrainingRecord | None,
    words: str,
    after: LinearModel,
    evidence: Evidence,
) -> None:
    other = replace(after, feature_map=Penultimate(Embedder(width=8), record))
    assert "a network of its own" in said(other, after, evidence)
    assert words in said(other, after, evidence)


def test_only_a_reference_without_them_sees_beyond_the_readout(
    model: LinearModel, orl: FaceDataset
) -> None:
    evidence = Evidence.of(orl, ["s03"], ["s31", "s32"])
    before, left = from_linear(model, "before"), refit(model, orl, ["s03"])
    assert beyond(before, evidence, from_linear(left, "same")).endswith("comparison shares it.")
    record = TrainingRecord(frozenset(["s01"]), frozenset())
    other = replace(left, feature_map=Penultimate(Embedder(width=8), record))
    assert "shares it but the reference" in beyond(before, evidence, from_linear(other, "other"))
    unknown = replace(left, feature_map=Penultimate(Embedder(width=8), None))
    assert beyond(before, evidence, from_linear(unknown, "?")).endswith("comparison shares it.")


def test_what_is_no_reference_is_refused(
    model: LinearModel, after: LinearModel, orl: FaceDataset
) -> None:
    with pytest.raises(ForgetError, match="without s34 in other; got one that names s34"):
        check_reference(model, PEOPLE, orl, "other")
    with pytest.raises(ForgetError, match="names s34"):
        check_reference(without_store(model), PEOPLE, orl, "other")
    small = Cut(Embedder(width=8), None)
    with pytest.raises(ForgetError, match="reads the photographs of .*112x92 pixels"):
        check_reference(replace(after, feature_map=small), PEOPLE, orl, "other")
    check_reference(after, PEOPLE, orl, "other")


def test_the_report_tells_of_the_reference(
    model: LinearModel, after: LinearModel, orl: FaceDataset, rows: np.ndarray
) -> None:
    never = ["s31", "s32", "s33"]
    same = refit(model, orl, PEOPLE)
    found = audit(after, orl, PEOPLE, model, reference=same, never=never, rows=rows, shadows=4)
    assert "reference 0.000" in summary(found) and "bit for bit" in summary(found)
    assert "bit for bit" in page(found) and "bit for bit" in plain_values(found)["reference"]
    mark = lines_chart(found).data[-1]
    assert mark.name == "reference" and len(mark.x) == len(found.lines) - 1
    alone = audit(after, orl, PEOPLE, model, never=never, rows=rows, shadows=4)
    assert not alone.beside and "reference" not in summary(alone).split("note")[0]
    assert "reference" not in {one.name for one in lines_chart(alone).data}
    assert [one.value for one in found.lines] == [one.value for one in alone.lines]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"margin": -1.0}, "margin of 0 or more"),
        ({"margin": float("nan")}, "margin of 0 or more"),
        ({"shadows": 0}, "at least 3 pairs of shadow models; got 0"),
        ({"seed": -1}, "seed of 0 or more"),
        ({"people": ["s35"]}, "knows s35; got one without s35"),
        ({"bare": True}, "with its feature store, which shadows are made from"),
    ],
    ids=str,
)
def test_what_an_audit_cannot_use_is_refused_at_the_door(
    settings: dict, words: str, model: LinearModel, after: LinearModel, orl: FaceDataset
) -> None:
    people = settings.pop("people", PEOPLE)
    before = refit(model, orl, ["s35"])
    before = without_store(before) if settings.pop("bare", False) else before
    with pytest.raises(ForgetError, match=words):
        audit(after, orl, people, before, **settings)


def test_nobody_who_is_known_counts_as_never_there(after: LinearModel) -> None:
    bare: Subject = from_linear(without_store(after), "bare")
    with pytest.raises(ForgetError, match="as if s21 had never been there"):
        never_enrolled(bare, "s21")
    assert never_enrolled(bare, "s34") is bare


def test_two_photographs_each_are_enough_to_audit(orl: FaceDataset, model: LinearModel) -> None:
    some = [i for person in ("s34", "s35") for i in orl.of(person)[:2]]
    labels = tuple(orl.labels[i] for i in some)
    few = FaceDataset("few", orl.images[some], labels)
    found = audit(refit(model, orl, PEOPLE), few, PEOPLE, model, shadows=4)
    assert any("Probes were left out" in note for note in found.notes)
    assert found.lines and not any(np.isnan(one.value) for one in found.lines)


@pytest.mark.parametrize("text", ["", " , ,"])
def test_names_have_to_be_given(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "--after", str(tmp_path / "a"), "--people", text]) == 2
    assert "identity ids after --people" in capsys.readouterr().err


def test_the_command_says_which_file_is_none(
    after: LinearModel, model: LinearModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(after, tmp_path / "after.safetensors")
    save_model(model, tmp_path / "before.safetensors")
    good = ["audit", "--after", str(tmp_path / "after.safetensors"), "--people", "s34,"]

    def err(*more: str) -> str:
        assert main([*good, *more]) == 2
        return capsys.readouterr().err

    assert f"the folder {tmp_path}" in err("--before", str(tmp_path))
    assert "nothing at nowhere" in err("--reference", "nowhere")
    before = str(tmp_path / "before.safetensors")
    assert "without s34 in the reference" in err("--before", before, "--reference", before)


def test_shares_below_the_line_are_no_less_than_nothing() -> None:
    members, others = np.linspace(0, 1, 9), np.linspace(0.2, 2, 50)
    axis = histogram(detect(members, others, [*range(9)], [*range(50)])).layout.yaxis
    assert len(axis.tickvals) == len(axis.ticktext) > 3 and min(axis.tickvals) < 0
    assert not any("-" in one or "\u2212" in one for one in axis.ticktext)
    assert {f"{abs(one):.0%}" for one in axis.tickvals} == set(axis.ticktext)
