"""Methods beside the reference: rows, resumption, registration."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forget import networks as networks_module
from forget.__main__ import main
from forget.comparison import compare, compare_methods
from forget.comparison_table import KEYS, Comparison
from forget.contenders import Answer, contenders
from forget.data.identities import as_classes
from forget.data.load import load_faces
from forget.data.partition import Partition, by_class
from forget.errors import ForgetError
from forget.methods import registry
from forget.methods.finetune import FineTune
from forget.methods.registry import METHODS, NETWORK_METHODS, register
from forget.networks import Networks, core_of, train_networks
from forget.problems import PROBLEMS, Problem, load_problem
from forget.progress import Cancelled
from forget.recipe import Recipe, logits_of
from forget.training import accelerate
from forget.unlearn_options import METHODS as OPTIONS

NAMES = ["original", "retrain", "subtract", "subtract_forget_ready", "finetune", "kl_uniform"]


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Six hundred digits."""
    whole = load_problem("digits")
    data = replace(whole.data, parts={**whole.data.parts, "train": whole.data.train[:600]})
    return replace(whole, data=data, recipe=Recipe(epochs=4, batch=32))


@pytest.fixture(scope="module")
def split(problem: Problem) -> Partition:
    """Of which 5 is to be forgotten."""
    return by_class(problem.data, ["5"])


@pytest.fixture(scope="module")
def networks(problem: Problem, split: Partition) -> Networks:
    """What seed 0 trains."""
    return train_networks(problem, split, 0, accelerate("cpu"))


def test_subtraction_is_its_refit_and_far_faster_than_training(
    split: Partition, networks: Networks
) -> None:
    table = compare_methods(split, lambda seed: networks, contenders(NAMES)).table
    assert list(table["method"]) == NAMES
    rows = table.set_index("method")
    for name in ("subtract", "subtract_forget_ready"):
        assert rows.loc[name, "gap to the refit"] == 0
        assert rows.loc[name, "guarantee"] == "exact"
        assert rows.loc[name, "seconds"] < rows.loc["finetune", "seconds"]
    assert rows.loc["subtract", "scope"] == "readout"
    assert rows.loc["subtract_forget_ready", "scope"] == "model"
    assert np.isnan(rows.loc["finetune", "gap to the refit"])
    assert rows.loc["retrain", "gap"] == 0 and rows.loc["retrain", "share of retraining"] == 1
    assert rows.loc["original", "weight distance"] == pytest.approx(
        rows.loc["finetune", "weight distance of the original"]
    )
    assert rows.loc["finetune", "share of passes"] == pytest.approx(2 / 4)


def test_rows_that_are_there_are_not_run_again(
    split: Partition, networks: Networks, tmp_path: Path
) -> None:
    keep, asked = tmp_path / "rows.csv", []

    def trained(seed: int) -> Networks:
        asked.append(seed)
        return networks

    def stop(done: int, total: int, note: str = "") -> None:
        if note.startswith("finetune,"):
            raise Cancelled

    wanted = contenders(["original", "finetune"])
    with pytest.raises(Cancelled):
        compare_methods(split, trained, wanted, (0, 1), keep=keep, on_step=stop)
    assert list(Comparison.load(keep).table["method"]) == ["original"]
    found = compare_methods(split, trained, wanted, (0, 1), (0, 1), keep=keep)
    assert len(found.table) == 8
    assert found.table[KEYS].drop_duplicates().shape == (8, 3)
    asked.clear()
    again = compare_methods(split, trained, wanted, (0, 1), (0, 1), keep=keep)
    assert not asked and len(again.table) == 8
    summary = again.summary.set_index("method")
    assert summary.loc["original", "n"] == 2 and summary.loc["original", "± gap"] == 0
    assert summary.loc["finetune", "guarantee"] == "approximate"
    other = by_class(split.data, [split.data.classes[1]])
    before = keep.read_bytes()
    with pytest.raises(ForgetError, match="in another file") as told:
        compare_methods(other, trained, wanted, keep=keep)
    assert other.what in told.value.expected and split.what in told.value.got
    assert keep.read_bytes() == before and not asked


def test_only_what_is_judged_is_answered(split: Partition, networks: Networks) -> None:
    answers: dict[tuple[int | None, str], np.ndarray] = {}

    def rows_of(most: int | None) -> pd.DataFrame:
        def keep(answer: Answer, row: Mapping[str, object]) -> None:
            answers[most, str(row["method"])] = answer.logits

        wanted = contenders(NAMES[:4])
        return compare_methods(
            split, lambda seed: networks, wanted, on_answer=keep, most=most
        ).table.drop(columns=["seconds", "share of retraining", "memory"])

    whole, many, few = (rows_of(most) for most in (None, 10**6, 20))
    pd.testing.assert_frame_equal(whole, many)
    assert np.allclose(few["retain"] * 20, (few["retain"] * 20).round())
    for name in NAMES[:4]:
        all_of_them, some = (np.isfinite(answers[most, name]).all(1) for most in (None, 20))
        wanted = np.unique(np.concatenate(list(split.sets.values())))
        assert np.array_equal(np.flatnonzero(all_of_them), wanted)
        sizes = [len(indices) for indices in split.sets.values()]
        there = [some[indices].sum() for indices in split.sets.values()]
        assert all(n >= min(size, 20) for n, size in zip(there, sizes, strict=True))
        assert some.sum() <= 20 * len(sizes)  # a held-out image may be of two sets
        near = answers[None, name][some]
        assert np.allclose(answers[20, name][some], near, atol=1e-4)  # other batches


def test_a_budget_ends_between_two_rows(split: Partition, networks: Networks) -> None:
    asked = iter([False, False, True])
    found = compare_methods(
        split, lambda seed: networks, contenders(NAMES[:4]), enough=lambda: next(asked)
    )
    assert list(found.table["method"]) == NAMES[:2]


def test_progress_of_everything_ends_at_its_total(problem: Problem, split: Partition) -> None:
    told: list[tuple[int, int, str]] = []
    compare(
        problem,
        split,
        ["original", "finetune"],
        on_step=lambda done, total, note="": told.append((done, total, note)),
    )
    assert told[-1][:2] == (2, 2)
    trainings = [(done, total) for done, total, note in told if note.startswith("training")]
    assert trainings[-1][0] == trainings[-1][1] == len(trainings)


def test_another_file_is_not_overwritten_by_rows(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ForgetError, match="training seed"):
        Comparison.load(path)
    path.write_bytes(b"\xff\xfe\x00 no table")
    with pytest.raises(ForgetError):
        Comparison.load(path)


def rows(gaps: Mapping[tuple[int, int], float], **more: object) -> pd.DataFrame:
    """Rows of one method by training and unlearning seed."""
    return pd.DataFrame(
        [
            {"data": "Digits", "forgotten": "all of 5", "training seed": one}
            | {"unlearning seed": other, "method": "original", "gap": gap, "seconds": 1.0}
            | {"share of retraining": 0.1, "guarantee": "none", "scope": "model"}
            | more
            for (one, other), gap in gaps.items()
        ]
    )


def test_unlearning_seeds_on_one_network_do_not_narrow_the_interval() -> None:
    single = Comparison(rows({(0, 0): 0.1, (1, 0): 0.3})).summary
    copies = {(one, k): gap for one, gap in ((0, 0.1), (1, 0.3)) for k in range(3)}
    several = Comparison(rows(copies)).summary
    for name in ("gap", "± gap", "n"):
        assert several[name].iloc[0] == pytest.approx(single[name].iloc[0])
    alone = Comparison(rows({(0, k): gap for k, gap in enumerate((0.1, 0.2, 0.3))})).summary
    assert alone["n"].iloc[0] == 3 and alone["± gap"].iloc[0] > 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.drop(columns="gap"),
        lambda table: table.drop(columns="guarantee"),
        lambda table: table.assign(gap="much"),
        lambda table: table.assign(data=[None, "Digits"]),
        lambda table: table.assign(**{"training seed": ["0", "one"]}),
        lambda table: table.assign(**{"unlearning seed": [0.0, float("nan")]}),
    ],
)
def test_a_table_of_another_form_is_told(spoil: object, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    table = rows({(0, 0): 0.1, (1, 0): 0.3})
    table.to_csv(path, index=False)
    assert len(Comparison.load(path).table) == 2
    spoil(table).to_csv(path, index=False)  # type: ignore[operator]
    with pytest.raises(ForgetError):
        Comparison.load(path)


def test_rows_that_were_made_otherwise_are_not_gone_on_with(
    split: Partition, networks: Networks, tmp_path: Path
) -> None:
    keep, wanted = tmp_path / "rows.csv", contenders(["original"])
    one, other = ({"original": {"settings": f"rate {k}"}} for k in (1, 2))
    compare_methods(split, lambda seed: networks, wanted, keep=keep, made=one)
    before = keep.read_bytes()
    compare_methods(split, lambda seed: networks, wanted, keep=keep, made=one)
    assert keep.read_bytes() == before
    with pytest.raises(ForgetError, match="settings rate 2.*got rows with rate 1"):
        compare_methods(split, lambda seed: networks, wanted, keep=keep, made=other)
    keep.write_text(",".join(before.decode().splitlines()[0].split(",")[:-1]) + "\n")
    compare_methods(split, lambda seed: networks, wanted, (1,), keep=keep)  # no rows yet
    with pytest.raises(ForgetError, match="nothing known"):
        compare_methods(split, lambda seed: networks, wanted, keep=keep, made=one)


def test_people_are_classes_and_the_core_has_nobody_to_forget() -> None:
    faces = load_faces("orl")
    data = as_classes(faces, 16)
    assert data.images.shape == (400, 16, 16, 1)
    assert (len(data.train), len(data.test)) == (280, 120)
    split = by_class(data, [data.classes[33]])
    assert {data.people[i] for i in split.forget} == {"s34"}
    core = core_of(split, 0.5)
    assert not np.isin(split.forget, core.images).any()
    assert len(core.images) + len(core.added) == len(split.train)


def test_problems_have_networks_that_read_their_images() -> None:
    for name in ("orl", "digits"):
        problem = load_problem(name)
        assert problem.config["side"] == problem.data.images.shape[1]
        assert by_class(problem.data, list(problem.suggestion)).what
    assert set(PROBLEMS) >= {"orl", "mnist", "cifar10", "mufac", "mufac-128"}
    with pytest.raises(ForgetError, match="Choose one of these names"):
        load_problem("faces")


# A method from elsewhere.


@dataclass(frozen=True)
class Mine(FineTune):
    """Fine-tuning under another name."""


@pytest.fixture
def registered() -> object:
    """Forgets what a test registers."""
    before = dict(NETWORK_METHODS)
    yield
    NETWORK_METHODS.clear()
    NETWORK_METHODS.update(before)


def test_a_registered_method_is_one_like_any_other(registered: object) -> None:
    register("mine", Mine())
    assert METHODS["mine"] == NETWORK_METHODS["mine"] == Mine()
    assert "mine" in contenders(["mine"])
    for name, method in (("mine", Mine()), ("a name", Mine()), ("Upper", Mine()), ("cls", Mine)):
        with pytest.raises(ForgetError):
            register(name, method)
    with pytest.raises(ForgetError, match="Choose among them"):
        contenders(["nobody"])


def test_installed_packages_bring_methods_and_broken_ones_are_left_out(
    registered: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [
        EntryPoint("theirs", f"{__name__}:Mine", "forget.methods"),
        EntryPoint("broken", "no_such_module:Thing", "forget.methods"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    monkeypatch.setattr(EntryPoint, "load", lambda self: {"theirs": Mine}[self.name])
    with pytest.warns(UserWarning, match="'broken'.*left out"):
        registry._register_installed()
    assert METHODS["theirs"] == Mine()


def test_the_scripts_offer_every_method() -> None:
    ours = {n for n, one in NETWORK_METHODS.items() if type(one).__module__.startswith("forget.")}
    assert set(OPTIONS) == {"subtract", *ours} - {"original", "retrain"}


def test_networks_are_kept_and_read_again(
    problem: Problem, split: Partition, tmp_path: Path
) -> None:
    fabric, steps = accelerate("cpu"), []
    one = train_networks(problem, split, 0, fabric, 0.5, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    other = train_networks(
        problem, split, 0, fabric, 0.5, lambda *told: steps.append(told), folder=tmp_path
    )
    assert not steps and one.seconds == other.seconds
    for ours, theirs in (
        (one.original, other.original),
        (one.reference, other.reference),
        (one.core.base.network, other.core.base.network),
    ):
        state = theirs.state_dict()
        assert all((tensor == state[name]).all() for name, tensor in ours.state_dict().items())
    data = problem.data
    wrong = replace(split, data=replace(data, labels=(data.labels + 1) % 10))
    renamed = train_networks(problem, wrong, 0, fabric, 0.0, folder=tmp_path)
    share = [
        (logits_of(one.original, data, data.test).argmax(1) == data.labels[data.test]).mean()
        for one in (one, renamed)
    ]
    assert share[0] > 0.5 > share[1]
    shorter = replace(problem, recipe=replace(problem.recipe, epochs=1))
    again = train_networks(shorter, split, 0, fabric, 0.0, folder=tmp_path)
    assert again.passes == one.passes / problem.recipe.epochs
    weights, before = again.original.state_dict(), one.original.state_dict()
    assert not all((tensor == weights[name]).all() for name, tensor in before.items())


@pytest.mark.slow
def test_the_command_prints_a_table_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(networks_module, "KEPT", tmp_path / "networks")
    out = tmp_path / "rows.csv"
    command = ["compare", "digits", "--methods", "original,finetune", "--out", str(out)]
    assert main([*command, "--budget-minutes", "0"]) == 0
    assert not out.exists()
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "Digits, forgetting all of 5" in shown
    assert "| `finetune` |" in shown and "approximate, model" in shown
    assert main([*command, "--forget", "6"]) == 2
    assert "rows of Digits, forgetting all of 5" in capsys.readouterr().err
    assert main([*command, "--seeds", "a"]) == 2
    assert main([*command[:2], "--methods", "nothing"]) == 2
    assert main([*command, "--forget", "eleven"]) == 2
    assert "Expected" in capsys.readouterr().err
    for more, told in (
        (["--methods", ","], "names of methods"),
        (["--budget-minutes", "nan"], "minutes, 0 or more"),
        (["--out", str(tmp_path)], "can be written after --out"),
        (["--out", str(out / "below.csv")], "can be written after --out"),
        (["--source", str(tmp_path)], "comes with the program"),
    ):
        assert main([*command, *more]) == 2
        assert told in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "digits", "--random", "40", "--methods", "original"]) == 0
    rows = pd.read_csv("logs/compare/digits-40-training-images-at-random.csv")
    assert rows["forgotten"].tolist() == ["40 training images at random"]
