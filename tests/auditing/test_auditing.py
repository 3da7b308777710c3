"""The audit on people whose fate is known: forgotten, suppressed, half removed, kept."""

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.stats import binomtest

from forget.__main__ import main
from forget.auditing.collateral import collateral, deciles, hurt_by, in_words, neighbours
from forget.auditing.detectable import shadow_attack
from forget.auditing.evidence import Evidence
from forget.auditing.network import from_network
from forget.auditing.outcome import Audit
from forget.auditing.report import page, plain_values, save_audit, summary
from forget.auditing.residue import betrayed, difference_attack, erased
from forget.auditing.run import audit_people
from forget.auditing.subject import Subject, from_linear, never_enrolled
from forget.data.dataset import FaceDataset
from forget.errors import ForgetError, IdentityError
from forget.linear.archive import save_model
from forget.linear.model import LinearModel
from forget.methods.registry import unlearn
from forget.metrics.detection import auc, chance_half_width
from forget.metrics.verdict import Verdict

PEOPLE = ["s25", "s34"]


def deletion(faces: FaceDataset, method: str):  # noqa: ANN201 - a Deletion
    def delete(model: LinearModel, people: Sequence[str]) -> LinearModel:
        return unlearn(model, faces, people, method).model

    return delete


def keep(model: LinearModel, people: Sequence[str]) -> LinearModel:
    return model


def half(model: LinearModel, people: Sequence[str]) -> LinearModel:
    """Removes every other photograph of the people only."""
    store, _ = model.parts()
    sums = model.statistics
    for person in people:
        chunk = store[person]
        some = chunk.rows[::2]
        sums = sums - type(sums).of(sums.space, some, [person] * len(some))
    return model.holding(sums, [])


@pytest.fixture(scope="module")
def rows(model: LinearModel) -> Callable:
    """All rows of the demo's feature map, each computed once."""
    return from_linear(model, "all").rows  # type: ignore[return-value]


@pytest.fixture(scope="module")
def evidence(orl: FaceDataset) -> Evidence:
    return Evidence.of(orl, PEOPLE)


def audited(
    model: LinearModel,
    evidence: Evidence,
    rows: Callable,
    method: str,
    shadows: int = 12,
    **settings: object,
) -> Audit:
    delete = deletion(evidence.faces, method)
    left = delete(model, list(evidence.forgotten))
    after = from_linear(left, "after", rows if method == "subtract" else None)
    before = from_linear(model, "before", rows)
    return audit_people(after, evidence, before, delete, shadows=shadows, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def removed(model: LinearModel, evidence: Evidence, rows: Callable) -> Audit:
    return audited(model, evidence, rows, "subtract")


@pytest.fixture(scope="module")
def hidden(model: LinearModel, evidence: Evidence, rows: Callable) -> Audit:
    return audited(model, evidence, rows, "project", suppression=True)


# Calibration on known truth.


def test_exact_removal_leaves_shadows_nothing_and_keeping_leaves_everything(
    model: LinearModel, orl: FaceDataset
) -> None:
    exact = shadow_attack(model, PEOPLE, deletion(orl, "subtract"), 16)
    assert exact.auc == 0.5
    assert np.array_equal(exact.members, exact.others)
    kept = shadow_attack(model, PEOPLE, keep, 16)
    assert kept.auc >= 0.85
    some = shadow_attack(model, PEOPLE, half, 16)
    assert 0.5 < some.auc <= kept.auc
    hides = shadow_attack(model, PEOPLE, deletion(orl, "project"), 16)
    assert hides.auc > 0.75  # too little of them is a sign as well


def test_two_models_that_never_saw_somebody_are_chance(
    model: LinearModel, orl: FaceDataset
) -> None:
    store, _ = model.parts()
    others = [person for person in store.people if person not in PEOPLE]
    draw, scores = np.random.default_rng(0), []
    photographs = np.concatenate([orl.of(person) for person in PEOPLE])
    rows = model.feature_map.rows(orl.images[photographs])
    for _ in range(60):
        some = draw.choice(others, len(others) // 2, replace=False).tolist()
        never = model.holding(store.sum_of(some), [p for p in store.people if p not in some])
        scores.append(never.score(rows).max(1))
    one, other = np.concatenate(scores[:30]), np.concatenate(scores[30:])
    assert len(one) >= 500
    assert abs(auc(one, other) - 0.5) <= chance_half_width(len(one), len(other), 2.6)


def test_an_eraser_is_found_and_points_at_whom_it_hides(
    model: LinearModel, evidence: Evidence, rows: Callable
) -> None:
    after = from_linear(deletion(evidence.faces, "project")(model, PEOPLE), "after")
    (found,) = betrayed(after, evidence)
    assert {person for person, _ in found.people[:2]} == set(PEOPLE)
    assert min(cosine for _, cosine in found.people[:2]) >= 0.99
    assert not erased(from_linear(model, "before", rows))


def test_a_pair_of_models_gives_away_who_left(
    model: LinearModel, evidence: Evidence, rows: Callable
) -> None:
    before = from_linear(model, "before", rows)
    after = from_linear(deletion(evidence.faces, "subtract")(model, PEOPLE), "after", rows)
    found = difference_attack(before, after, evidence)
    assert found["auc"] > 0.95
    assert found["cosine"] == pytest.approx(1, abs=1e-6)
    assert difference_attack(before, before, evidence)["auc"] == 0.5


# The whole audit.


def test_subtraction_fails_no_line(removed: Audit) -> None:
    assert Verdict.FAIL not in {line.verdict for line in removed.lines}
    assert {"taken for somebody", "detected by shadows (U-LiRA)"} <= {
        line.question for line in removed.lines
    }
    assert removed.goal == "influence removal"
    assert not removed.edited
    assert set(removed.relearned["group"]) == {"forgotten", "never there"}


def test_keeping_somebody_fails(model: LinearModel, evidence: Evidence, rows: Callable) -> None:
    subject = from_linear(model, "model", rows)
    found = audit_people(subject, evidence, subject, keep, shadows=12)
    assert found.verdict is Verdict.FAIL
    failed = {line.question for line in found.lines if line.verdict is Verdict.FAIL}
    assert {"taken for somebody", "detected by shadows (U-LiRA)"} <= failed


def test_projection_suppresses_and_does_not_pass_all(hidden: Audit) -> None:
    verdicts = {line.question: line.verdict for line in hidden.lines}
    # Two people who are not found do not show that no third one would be.
    assert verdicts["found when enrolled again with 1"] is Verdict.UNKNOWN
    assert verdicts["detected by shadows (U-LiRA)"] is Verdict.FAIL
    assert hidden.verdict is Verdict.FAIL
    assert hidden.edited[0].people[0][0] in PEOPLE


@pytest.mark.slow
def test_no_single_person_passes_by_a_few_photographs(
    model: LinearModel, orl: FaceDataset, rows: Callable
) -> None:
    for method, suppression in (("leace", False), ("project", True)):
        found = audited(model, Evidence.of(orl, ["s34"]), rows, method, 6, suppression=suppression)
        widths = {line.question: np.diff(line.interval).item() for line in found.lines}
        assert min(widths.values()) > 0.05, widths
        assert Verdict.PASS not in {line.verdict for line in found.lines}


def test_less_than_chance_is_as_good_as_chance_where_hiding_is_the_goal(
    hidden: Audit,
) -> None:
    lines = {line.question: line for line in hidden.lines}
    line = lines["found when enrolled again with 1"]
    assert line.value < line.target == pytest.approx(1 / 39)
    assert line.difference == 0 and line.interval[0] == 0
    assert lines["stands out by the best score"].difference < 0


def test_a_question_that_nobody_answers_leaves_no_pass(removed: Audit) -> None:
    passed = [replace(line, difference=0.0, interval=(0.0, 0.0)) for line in removed.lines]
    assert replace(removed, lines=tuple(passed)).verdict is Verdict.PASS
    named = [line for line in passed if not line.question.startswith(("stands", "detected"))]
    assert replace(removed, lines=tuple(named)).verdict is Verdict.UNKNOWN


def test_never_enrolled_is_the_refit(model: LinearModel) -> None:
    found = never_enrolled(from_linear(model, "model"), "s30")
    store, _ = model.parts()
    again = store.drop(["s30"]).statistics()
    assert found.linear is not None
    assert found.linear.statistics.digest() == again.digest()
    assert never_enrolled(found, "s30") is found


def test_collateral_counts_photographs_and_neighbours(
    model: LinearModel, evidence: Evidence, rows: Callable
) -> None:
    before = from_linear(model, "before", rows)
    after = from_linear(deletion(evidence.faces, "subtract")(model, PEOPLE), "after", rows)
    table = collateral(before, after, evidence).set_index("person")
    assert set(table.index) == set(evidence.staying)
    images = evidence.images(evidence.held_out("s30"))
    was = np.array([who == "s30" for who in before.answer(images).said()])  # type: ignore[misc]
    now = np.array([who == "s30" for who in after.answer(images).said()])  # type: ignore[misc]
    row = table.loc["s30"]
    assert (row["named before"], row["named after"]) == (was.sum(), now.sum())
    assert row["lost"] - row["won"] == was.sum() - now.sum()
    assert table["neighbour"].sum() == 2  # of 38
    assert not table["hurt"].any()
    assert neighbours({"a": 0.1, "b": 0.9}) == ["b"]
    assert not table["enough"].any()  # of three photographs even all three may be chance


def test_a_dead_model_is_said_to_have_lost_everything(
    model: LinearModel, evidence: Evidence, rows: Callable
) -> None:
    before = from_linear(model, "before", rows)
    dead = replace(
        before, name="dead", answer=lambda images: replace(before.answer(images), threshold=9.0)
    )
    table = collateral(before, dead, evidence)
    assert table["named after"].sum() == 0 and not table["hurt"].any()
    said = in_words(table)
    assert f"{table['named before'].sum()} lost, 0 won, more lost than chance explains" in said
    assert "38 people have too few photographs" in said
    assert "the same ones" in in_words(collateral(before, before, evidence))
    assert deciles(table)["hurt"].all()


def test_people_whom_a_model_cannot_name_are_not_counted_as_unhurt(
    model: LinearModel, evidence: Evidence, rows: Callable
) -> None:
    before = from_linear(model, "before", rows)
    store, _ = model.parts()
    few = [person for person in store.people if person in ("s30", "s31", "s32")]
    left = [person for person in store.people if person not in few]
    small = from_linear(model.holding(store.sum_of(few), left), "small", rows)
    assert set(collateral(before, small, evidence)["person"]) == set(few)


def test_groups_that_lost_more_than_chance_explains_are_found() -> None:
    draw = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "similarity": np.linspace(0, 1, 200),
            "photographs": 10,
            "named before": 9,
            "named after": 9,
            "lost": draw.integers(0, 2, 200),
            "won": draw.integers(0, 2, 200),
        }
    ).sample(frac=1, random_state=0)
    near = table["similarity"] > 0.9
    table.loc[near, "lost"] += 2
    tenths = deciles(table)
    assert list(tenths["group"]) == list(range(1, 11)) and (tenths["people"] == 20).all()
    assert list(tenths.loc[tenths["hurt"], "group"]) == [10]
    mine = table[near]
    assert tenths["lost"].iloc[-1] == mine["lost"].sum()
    assert tenths["p"].iloc[-1] == pytest.approx(
        binomtest(
            int(mine["lost"].sum()), int((mine["lost"] + mine["won"]).sum()), 0.5, "greater"
        ).pvalue
    )
    ages = hurt_by(table, ["old" if one else "young" for one in near])
    assert list(ages["group"]) == ["old", "young"] and list(ages["hurt"]) == [True, False]
    few = deciles(table.head(3))
    assert len(few) == 3 and few["people"].sum() == 3


def test_files_hold_the_audit_and_need_nothing_else(hidden: Audit, tmp_path: Path) -> None:
    paths = {path.name for path in save_audit(hidden, tmp_path)}
    assert {"audit.json", "lines.csv", "report.html", "others.csv", "deciles.csv"} <= paths
    read = json.loads((tmp_path / "audit.json").read_text())
    assert read["verdict"] == "FAIL" and read["edited matrices"][0]["matrix"] == "feature map"
    assert json.dumps(plain_values(hidden), allow_nan=False)
    html = (tmp_path / "report.html").read_text()
    assert "Release advice" in html and "NOT ENOUGH DATA" in page(hidden)
    assert 'src="http' not in html and "cdn.plot.ly" not in html.split("<body>")[0]
    text = summary(hidden)
    assert text.startswith("FAIL: suppression of s25, s34")
    save_audit(replace(hidden, collateral=pd.DataFrame()), tmp_path)
    assert not (tmp_path / "others.csv").exists() and not (tmp_path / "deciles.csv").exists()
    with pytest.raises(ForgetError, match="written to"):
        save_audit(hidden, tmp_path / "audit.json")


def test_missing_inputs_make_the_report_shorter_and_say_so(
    model: LinearModel, evidence: Evidence, rows: Callable
) -> None:
    after = from_linear(deletion(evidence.faces, "subtract")(model, PEOPLE), "after", rows)
    found = audit_people(after, evidence)
    assert found.shadows is None and not len(found.collateral) and not found.difference
    assert any("Shadows were left out" in note for note in found.notes)
    assert any("who else was hurt" in note for note in found.notes)
    assert "verified, recalibrated" in {line.question for line in found.lines}


def test_what_no_question_can_see_is_said_first(
    model: LinearModel, evidence: Evidence, rows: Callable
) -> None:
    delete = deletion(evidence.faces, "subtract")
    added = audit_people(from_linear(delete(model, PEOPLE), "after", rows), evidence)
    assert not added.beyond and "Beyond this audit" not in page(added)
    core = Evidence.of(evidence.faces, ["s03"], evidence.never)
    found = audit_people(from_linear(delete(model, ["s03"]), "after", rows), core)
    assert found.beyond.startswith("The readout alone is audited: ")
    assert found.beyond in summary(found) and "Beyond this audit" in page(found)
    assert page(found).index("Beyond this audit") < page(found).index("<table")


def test_a_network_from_elsewhere_is_audited_by_its_features(
    evidence: Evidence, orl: FaceDataset
) -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(14 * 11, 40), torch.nn.ReLU(), torch.nn.Linear(40, 16)
    )

    def prepare(images: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(images[:, ::8, :88:8]).float() / 255

    after: Subject = from_network(network, "theirs", prepare)
    found = audit_people(after, evidence)
    assert any("no gallery" in note for note in found.notes)
    assert "Nobody knows here whom the network was trained on" in found.beyond
    assert {line.question for line in found.lines} >= {"verified, recalibrated"}
    assert {"1", "2", "3"} <= set(found.probes["layer"])
    # An edited weight is found there too.
    with torch.no_grad():
        weight = network[3].weight
        direction = torch.nn.functional.normalize(torch.randn(16), dim=0)
        weight -= torch.outer(direction, direction @ weight)
    assert set(erased(from_network(network, "edited", prepare))) == {"3.weight"}


class Twice(torch.nn.Module):
    """One activation, called at two widths."""

    def __init__(self, widths: tuple[int, int]) -> None:
        super().__init__()
        self.first = torch.nn.Linear(14 * 11, widths[0])
        self.second = torch.nn.Linear(widths[0], widths[1])
        self.act = torch.nn.Softplus()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.second(self.act(self.first(x.flatten(1)))))


def small(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images[:, ::8, :88:8]).float() / 255


@pytest.mark.parametrize("widths", [(32, 16), (16, 16)])
def test_of_a_module_that_is_called_twice_the_last_output_counts(
    orl: FaceDataset, widths: tuple[int, int]
) -> None:
    network = Twice(widths).train()
    subject = from_network(network, "theirs", small, features="act")
    assert subject.layers is not None
    assert subject.layers(orl.images[:10])["act"].shape == (10, 16)
    assert subject.embed(orl.images[:10]).shape == (10, 16)
    plain = from_network(network, "theirs", small)
    assert np.array_equal(subject.embed(orl.images[:10]), plain.embed(orl.images[:10]))
    assert network.training and network.act.training  # the caller's network stays as it was


def test_a_broken_network_is_refused_and_a_constant_one_verifies_nobody(
    evidence: Evidence, orl: FaceDataset
) -> None:
    class Constant(torch.nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x), 8), self.value)

    for classes in ((), orl.identities[:8]):
        broken = from_network(Constant(float("nan")), "broken", small, classes=classes)
        with pytest.raises(ForgetError, match="finite|numbers"):
            audit_people(broken, evidence)
    found = audit_people(from_network(Constant(1.0), "constant", small), evidence)
    (line,) = (one for one in found.lines if one.question == "verified, recalibrated")
    assert line.value == line.target == 0
    assert found.verdict is not Verdict.PASS


def test_two_networks_of_different_size_are_compared_where_they_can_be(
    evidence: Evidence,
) -> None:
    before, after = (from_network(Twice((16, width)), "theirs", small) for width in (8, 16))
    found = audit_people(after, evidence, before)
    assert np.isnan(found.difference["auc"])
    questions = {line.question for line in found.lines}
    assert "verified, recalibrated" in questions
    assert "verified, at the original threshold" not in questions
    assert any("different size" in note for note in found.notes)


def test_shadows_need_somebody_else(model: LinearModel, orl: FaceDataset) -> None:
    store, _ = model.parts()
    alone = model.holding(store.sum_of(["s34"]), [p for p in store.people if p != "s34"])
    with pytest.raises(ForgetError, match="knows somebody else"):
        shadow_attack(alone, ["s34"], deletion(orl, "subtract"), 4)


def test_people_are_checked(orl: FaceDataset) -> None:
    assert len(Evidence.of(orl, ["s34"]).never) == 19
    assert "s34" not in Evidence.of(orl, ["s34"]).never
    with pytest.raises(IdentityError):
        Evidence.of(orl, ["nobody"])
    with pytest.raises(IdentityError, match="not among them"):
        Evidence.of(orl, ["s34"], ["s34", "s35"])
    with pytest.raises(IdentityError, match="compare the forgotten with"):
        Evidence.of(orl, ["s34"], [])


def test_progress_tells_of_every_part(
    model: LinearModel, evidence: Evidence, rows: Callable
) -> None:
    told: list[tuple[int, int]] = []
    after = from_linear(deletion(evidence.faces, "subtract")(model, PEOPLE), "after", rows)
    audit_people(
        after,
        evidence,
        from_linear(model, "before", rows),
        deletion(evidence.faces, "subtract"),
        shadows=4,
        on_step=lambda done, total, note="": told.append((done, total)),
    )
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert told[-1][0] == told[-1][1]


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
