"""The benchmark of celebrities: its laws, on a random network and synthetic crops."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models.face_networks import mobile
from PIL import Image

from benchmarks.celebrities import __main__ as benchmark
from benchmarks.celebrities.leaving import linear_values, outsider
from benchmarks.celebrities.network import drawn, network_values, pairs
from forget.data.dataset import FaceDataset
from forget.data.recognition.crops import load_crops
from forget.data.split import Split, split_by_identity
from forget.errors import ForgetError
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.methods.refit import refit
from forget.methods.registry import unlearn
from forget.models.backbone_file import save_backbone
from forget.models.convention import Convention
from forget.models.face_backbone import FaceBackbone
from forget.pretrained import linearize
from forget.runtime import machine

PEOPLE, EACH, LEAVER = 6, 7, "Person 3"


@pytest.fixture(scope="module")
def backbone() -> FaceBackbone:
    """A random MobileFaceNet."""
    return FaceBackbone(mobile(), Convention(scale=128.0, width=96), "random")


@pytest.fixture(scope="module")
def faces() -> FaceDataset:
    """A coarse pattern for each person, with noise; the last person has one crop less."""
    random = np.random.default_rng(0)
    patterns = random.integers(60, 196, (PEOPLE, 7, 7, 3)).repeat(16, axis=1).repeat(16, axis=2)
    labels = np.repeat(np.arange(PEOPLE), EACH)[:-1]
    images = patterns[labels] + random.integers(-50, 50, (len(labels), 112, 112, 3))
    names = tuple(f"Person {k}" for k in labels)
    return FaceDataset("patterns", images.astype(np.uint8), names)


@pytest.fixture(scope="module")
def model(backbone: FaceBackbone, faces: FaceDataset) -> LinearModel:
    cored = benchmark.with_core(faces, LEAVER)
    return linearize(benchmark.feature_map_of(backbone, cored, "penultimate"), cored)


@pytest.fixture(scope="module")
def split(faces: FaceDataset) -> Split:
    return split_by_identity(benchmark.with_core(faces, LEAVER))


@pytest.fixture(scope="module")
def rows(model: LinearModel, faces: FaceDataset) -> Rows:
    return model.feature_map.rows(faces.images)


@pytest.fixture(scope="module")
def files(
    tmp_path_factory: pytest.TempPathFactory, backbone: FaceBackbone, faces: FaceDataset
) -> tuple[str, str]:
    """The network and the crops as files."""
    root = tmp_path_factory.mktemp("celebrities")
    save_backbone(root / "network.safetensors", backbone)
    for i, (image, person) in enumerate(zip(faces.images, faces.labels, strict=True)):
        (root / "crops" / person).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(root / "crops" / person / f"{i}.png")
    assert np.array_equal(load_crops(root / "crops").images, faces.images)
    return str(root / "network.safetensors"), str(root / "crops")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(benchmark, "TABLE", tmp_path / "celebrities.csv")
    return benchmark.TABLE


def test_all_pairs_are_judged_once() -> None:
    features = np.random.default_rng(2).standard_normal((9, 5))
    labels = list("aaabbbccc")
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    couples = list(combinations(range(9), 2))
    genuine = [unit[i] @ unit[j] for i, j in couples if labels[i] == labels[j]]
    impostor = [unit[i] @ unit[j] for i, j in couples if labels[i] != labels[j]]
    found = pairs(features, labels)
    assert (found["genuine [pairs]"], found["impostor [pairs]"]) == (9, 27)
    assert found["mean of genuine [cosine]"] == pytest.approx(np.mean(genuine))
    assert found["mean of impostor [cosine]"] == pytest.approx(np.mean(impostor))


def test_small_sets_have_so_many_photographs_of_so_many_people(faces: FaceDataset) -> None:
    first = drawn(faces, 3, 4, None)
    assert first.tolist() == [*range(4), *range(7, 11), *range(14, 18)]
    random, sets = np.random.default_rng(0), set()
    for _ in range(20):
        some = drawn(faces, 3, EACH, random)
        people, counts = np.unique([faces.labels[i] for i in some], return_counts=True)
        assert len(set(some.tolist())) == len(some) == 3 * EACH
        assert counts.tolist() == [EACH] * 3
        assert "Person 5" not in people  # has one crop too few
        sets.add(tuple(people))
    assert len(sets) > 1


@pytest.mark.parametrize(
    ("people", "photographs"), [(PEOPLE + 1, 2), (PEOPLE, EACH), (1, 2), (2, 1)]
)
def test_sets_that_cannot_be_drawn_are_refused(
    people: int, photographs: int, faces: FaceDataset
) -> None:
    with pytest.raises(ForgetError, match="--people and --photographs"):
        drawn(faces, people, photographs, None)


def test_draws_of_everything_have_no_spread(backbone: FaceBackbone, faces: FaceDataset) -> None:
    some = faces.only(faces.identities[:3])
    values = network_values(backbone.embed(some.images), some, 3, EACH, 4)
    for key in ("mean of genuine [cosine]", "equal error rate [share]"):
        whole = values[f"all: {key}"]
        assert values[f"first 3 people x {EACH}: {key}"] == pytest.approx(whole)
        told = f"4 draws of 3 people x {EACH}"
        assert values[f"{told}, deviation: {key}"] == pytest.approx(0, abs=1e-9)
        for word in ("mean", "least", "most"):
            assert values[f"{told}, {word}: {key}"] == pytest.approx(whole)


@pytest.mark.parametrize("person", [f"Person {k}" for k in range(PEOPLE)])
def test_who_leaves_is_never_core(person: str, faces: FaceDataset) -> None:
    cored = benchmark.with_core(faces, person)
    assert person in cored.added
    assert len(cored.core) == len(cored.added) == PEOPLE // 2


def test_three_people_are_too_few_and_names_must_be_known(faces: FaceDataset) -> None:
    with pytest.raises(ForgetError, match="at least 3 people"):
        benchmark.with_core(faces.only(faces.identities[:3]), "Person 0")
    with pytest.raises(ForgetError, match="Nearest ids: Person"):
        benchmark.with_core(faces, "Person X")


def test_who_left_is_judged_like_somebody_who_was_never_enrolled(
    model: LinearModel, split: Split, rows: Rows
) -> None:
    after = unlearn(model, split.faces, [LEAVER]).model
    never = refit(model, split.faces, [LEAVER])
    gone, stranger = (outsider(one, model, split, rows, LEAVER) for one in (after, never))
    assert np.array_equal(gone.seen.best, stranger.seen.best)
    assert (gone.seen.who, gone.again) == (stranger.seen.who, stranger.again)
    assert LEAVER not in gone.seen.who


def test_figures_agree_with_the_scores(model: LinearModel, split: Split, rows: Rows) -> None:
    values = linear_values(model, split, rows, LEAVER)
    after = refit(model, split.faces, [LEAVER])
    mine = split.test_of([LEAVER])
    best = after.score(rows[mine]).max(axis=1)
    assert values["forgotten, held out [photographs]"] == len(mine)
    assert values["forgotten: best score, mean [score]"] == pytest.approx(best.mean())
    named = "forgotten: named as anybody now [share]"
    assert values[named] == np.mean(best >= after.threshold)
    others = [i for i in split.test if split.faces.labels[i] != LEAVER]
    right = [
        after.classes[column] == split.faces.labels[i]
        for i, column in zip(others, after.score(rows[others]).argmax(axis=1), strict=True)
    ]
    assert values["others: identified, rank 1, after [share]"] == np.mean(right)
    told = [
        values[f"never enrolled: best score, {w} of people [score]"] for w in ("least", "most")
    ]
    assert told[0] <= values["never enrolled: best score, mean of people [score]"] <= told[1]


@pytest.mark.slow
def test_the_command_writes_what_it_prints_and_claims_no_more_than_the_readout(
    files: tuple[str, str], table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--people", "3", "--photographs", "3", "--draws", "3"]
    assert benchmark.main([*files, "--forget", LEAVER, *more]) == 0
    found = pd.read_csv(table)
    assert list(found.columns) == ["linearization", "metric", "value", "machine"]
    assert set(found["machine"]) == {machine()}
    said = capsys.readouterr().out
    assert said.count(machine()) == 1
    for kind in benchmark.KINDS:
        of = found[found["linearization"] == kind].set_index("metric")["value"]
        assert of["scope"] == "readout"
        assert "nobody knows whom" in of["because"]
        assert of["digest equals that of a refit [yes or no]"] == "yes"
        assert of["proof holds [yes or no]"] == "yes"
        assert float(of["largest difference of the heads [score]"]) == 0
        again = "forgotten: enrolled again, named rightly [share]"
        assert 0 <= float(of[again]) <= 1
    assert "| scope | readout | readout | readout |" in said
    assert not found.duplicated(["linearization", "metric"]).any()


def test_numbers_are_shown_in_their_units() -> None:
    rows = [("network", "all: equal error rate [share]", 0.031)]
    rows += [("a", "subtraction [ms]", 1.234), ("b", "subtraction [ms]", 2.0)]
    rows += [("b", "answers [photographs]", 1200.0)]
    shown = benchmark.markdown(pd.DataFrame(rows, columns=["linearization", "metric", "value"]))
    assert "| all: equal error rate | 3.1 % |" in shown
    assert "| subtraction, ms | 1.23 | 2.00 |" in shown
    assert "| answers, photographs |  | 1,200 |" in shown


def test_what_is_missing_is_said_before_anything_is_written(
    files: tuple[str, str], table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, crops = files
    for arguments, word in (
        ([weights, "nowhere", "--forget", LEAVER], "nothing at nowhere"),
        (
            ["nowhere.ckpt", crops, "--forget", LEAVER, "--photographs", "3", "--people", "3"],
            "nowhere.ckpt",
        ),
        ([weights, crops, "--forget", "Nobody"], "'Nobody'"),
        ([weights, crops, "--forget", LEAVER, "--people", "9"], "--people"),
    ):
        assert benchmark.main(arguments) == 2
        said = capsys.readouterr()
        assert not said.out
        assert said.err.startswith("error: Expected")
        assert word in said.err
    with pytest.raises(SystemExit):
        benchmark.main([weights, crops, "--forget", LEAVER, "--draws", "1"])
    assert not table.exists()
