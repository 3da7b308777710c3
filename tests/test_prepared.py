"""MUFAC made forget-ready: trained once, kept, read again, and forgotten from."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from data.mufac_sample import with_twins

from forget.data import mufac
from forget.errors import CheckpointError, ForgetError, IdentityError
from forget.linear.proof import prove
from forget.linearizations import kind_of
from forget.methods.registry import unlearn
from forget.prepared import Prepared, is_prepared, load_prepared, prepare
from forget.progress import Cancelled
from forget.unlearn_cli import main
from forget.unlearn_people import forget_people, identities_of
from unlearn_mufac import defaults


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ready")


@pytest.fixture(scope="module")
def make(home: Path) -> partial[Prepared]:
    """Prepares a made-up MUFAC of few people."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mufac, "APP_DATA", home)
        source = with_twins().zip(home / "mufac.zip")
        yield partial(prepare, source, folder=home / "ready")


@pytest.fixture(scope="module")
def ready(make: partial[Prepared]) -> Prepared:
    return make()


def test_half_of_the_people_are_the_core_and_the_record_knows_them(ready: Prepared) -> None:
    faces, record = ready.faces, ready.network.base.record
    assert len(faces.core) == round(len(faces.identities) / 2)
    assert set(faces.core) <= record.people
    assert not set(faces.added) & record.people
    for person in faces.core:
        assert faces.hashes_of(person) <= record.photographs
    for person in faces.added:
        assert not faces.hashes_of(person) & record.photographs


def test_a_second_call_reads_what_the_first_one_trained(
    make: partial[Prepared], ready: Prepared, home: Path
) -> None:
    before = (home / "ready" / "network.safetensors").stat().st_mtime_ns
    assert make().network.base.space == ready.network.base.space
    assert load_prepared(home / "mufac.zip", home / "ready").faces.core == ready.faces.core
    assert (home / "ready" / "network.safetensors").stat().st_mtime_ns == before


def test_other_settings_are_not_taken_for_the_same(
    make: partial[Prepared], ready: Prepared
) -> None:
    with pytest.raises(ForgetError, match="Choose another folder"):
        make(seed=1)


@pytest.mark.slow
def test_a_cancelled_training_goes_on_and_ends_the_same(
    make: partial[Prepared], ready: Prepared, tmp_path: Path
) -> None:
    def stop(done: int, total: int, note: str = "") -> None:
        if note.startswith("epoch 4"):
            raise Cancelled

    again = partial(make, folder=tmp_path)
    with pytest.raises(Cancelled):
        again(on_step=stop)
    assert not is_prepared(tmp_path)
    began: list[str] = []
    other = again(on_step=lambda done, total, note="": began.append(note))
    assert next(note for note in began if note.startswith("epoch")).startswith("epoch 4")
    assert other.network.base.space == ready.network.base.space
    assert [path.name for path in tmp_path.iterdir()] == ["network.safetensors"]


@pytest.mark.parametrize("kind", ["penultimate", "tangent"])
def test_an_added_person_leaves_the_whole_model(ready: Prepared, kind: str) -> None:
    model = ready.model(kind)
    assert kind_of(model.feature_map) == kind
    after = unlearn(model, ready.faces, ready.faces.added[:1])
    assert (after.guarantee.kind, after.guarantee.scope) == ("exact", "model")
    assert prove(after.model).holds
    core = unlearn(model, ready.faces, ready.faces.core[:1])
    assert core.guarantee.scope == "readout"


def test_rows_are_kept_and_belong_to_these_photographs(ready: Prepared) -> None:
    features, rows = ready.base, ready.fitted("penultimate")[1]
    asked: list[int] = []
    again = ready.shelf.rows(
        features, ready.faces, lambda done, total, note="": asked.append(done)
    )
    assert np.array_equal(rows, again)
    assert not asked
    others = ready.faces.only(ready.faces.identities[1:])
    assert len(ready.shelf.rows(features, others)) == len(others.images)


def test_the_shell_forgets_and_proves(ready: Prepared, home: Path, tmp_path: Path) -> None:
    person, path = ready.faces.added[0], tmp_path / "after.safetensors"
    said = forget_people([person], home / "mufac.zip", folder=home / "ready", save=path)
    assert "Guarantee: exact, model" in said
    assert "Proof holds" in said
    assert f"verify {path}" in said
    assert path.is_file()


def test_what_cannot_work_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ForgetError, match="a linearization of penultimate"):
        forget_people(["F0001/D"], tmp_path / "none.zip", "quadratic")
    (tmp_path / "taken").touch()
    for place in (tmp_path, tmp_path / "taken" / "file"):
        with pytest.raises(ForgetError, match="a file that can be written"):
            forget_people(["F0001/D"], tmp_path / "none.zip", save=place)


def test_any_id_of_a_person_will_do(ready: Prepared) -> None:
    faces = ready.faces
    person, others = next((one, known) for one, known in faces.aliases.items() if known)
    assert identities_of(faces, [others[0]]) == [person]
    with pytest.raises(IdentityError, match="F9999/D"):
        identities_of(faces, ["F9999/D"])


def test_without_a_network_the_command_is_named(
    home: Path, ready: Prepared, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=r"scripts\.forget_ready"):
        load_prepared(home / "mufac.zip", tmp_path)
    assert not is_prepared(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--identities", "F0001/D", "--clean"], "--clean with --identities"),
        (["--identities", " , "], "Expected ids of people"),
        (["--identities", ""], "Expected ids of people"),
        (["--kind", "tangent"], "--kind without --identities"),
        (["--save", "file"], "--save without --identities"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(defaults(), words) == 2
    assert said in capsys.readouterr().err
