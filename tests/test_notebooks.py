"""The notebooks: what is committed of them, that they run, and the script that runs them."""

import base64
import re
from io import BytesIO
from pathlib import Path

import nbformat.v4 as v4
import pytest
from nbformat import NotebookNode
from PIL import Image
from recognition.study_files import save_crops, save_weights

from forget.commands import ended
from scripts.run_notebooks import (
    FOLDER,
    METADATA,
    chosen,
    execute,
    main,
    normalised,
    read,
    save,
    text_of,
)

NAMES = (
    "00_quick_setup",
    "01_data_exploration",
    "02_model_loading",
    "03_linearization",
    "04_unlearning",
    "05_evaluation",
    "06_comparison",
)
ROOT = FOLDER.parent
# Of this machine or any other: in what is run, in what is shown.
PLACES = re.compile(r"(?<![\w./])/(?:home|root|tmp|work|usr|Users|mnt|opt|var|data)/|[A-Z]:\\\\")
ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")


@pytest.fixture(params=NAMES)
def path(request: pytest.FixtureRequest) -> Path:
    return FOLDER / f"{request.param}.ipynb"


def shown(book: NotebookNode) -> list[NotebookNode]:
    return [one for cell in book.cells for one in cell.get("outputs", [])]


def texts(book: NotebookNode) -> list[str]:
    """Everything that somebody reads."""
    written = [cell.source for cell in book.cells]
    for one in shown(book):
        data = one.get("data", {})
        written += [one.get("text", ""), *(data.get(kind, "") for kind in ("text/plain",))]
        written.append(data.get("text/html", ""))
    return written


def test_all_of_them_are_there() -> None:
    assert [one.stem for one in chosen()] == list(NAMES)


def test_a_notebook_begins_with_the_way_to_the_project(path: Path) -> None:
    cells = read(path).cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    assert cells[1].source == 'import sys\n\nsys.path[:0] = [".", ".."]'
    assert "pio.renderers.default = notebook_renderer()" in cells[3].source
    assert cells[5].source.startswith("OWN: list[str] = []")  # one's own data, near the top
    assert "OWN" in cells[4].source


def test_every_code_cell_follows_a_sentence_and_there_are_few(path: Path) -> None:
    kinds = [cell.cell_type for cell in read(path).cells]
    assert kinds == ["markdown", "code"] * (len(kinds) // 2)
    assert 6 <= kinds.count("code") <= 10
    for cell in read(path).cells[::2]:
        assert cell.source.rstrip().endswith((".", ":"))


def test_what_is_committed_is_whole_and_nothing_but_results(path: Path) -> None:
    book = read(path)
    assert path.read_text(encoding="utf-8") == text_of(normalised(book))
    assert dict(book.metadata) == METADATA
    assert book.metadata.kernelspec.name == "python3"
    kinds = {one.output_type for one in shown(book)}
    assert kinds and "error" not in kinds
    for text in texts(book):
        assert not PLACES.search(text), text
        assert not ADDRESS.search(text), text


def test_a_cell_that_ends_in_a_value_has_it_committed(path: Path) -> None:
    for cell in read(path).cells:
        if cell.cell_type == "code" and re.search(
            r"^(print|plain|portraits)\(", cell.source, re.M
        ):
            assert cell.outputs, cell.source


def test_charts_are_seen_without_running_and_files_are_small(path: Path) -> None:
    pictures = [
        Image.open(BytesIO(base64.b64decode(one.data["image/png"])))
        for one in shown(read(path))
        if "image/png" in one.get("data", {})
    ]
    assert pictures
    assert all(one.width >= 100 and len(one.getcolors() or ()) > 1 for one in pictures)
    assert path.stat().st_size <= 200_000
    assert sum(one.stat().st_size for one in chosen()) <= 800_000


def made(*sources: str) -> NotebookNode:
    return v4.new_notebook(cells=[v4.new_code_cell(one) for one in sources])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of notebooks for the script."""
    monkeypatch.setattr("scripts.run_notebooks.FOLDER", tmp_path)
    monkeypatch.setattr(chosen, "__defaults__", ((), tmp_path))
    return tmp_path


def test_a_cell_that_fails_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = text_of(made("1 + 1", "wanted = 2\nassert wanted == 3, 'other'", "print('never')"))
    save(folder / "a_wrong.ipynb", text)
    assert ended(lambda: main(["--write", "a"])) == 2
    said = capsys.readouterr().err
    assert "a_wrong.ipynb to run; got AssertionError: other, in cell 2" in said
    assert "'wanted = 2'" in said
    assert (folder / "a_wrong.ipynb").read_text() == text  # and nothing was written


def test_a_notebook_runs_and_is_saved_without_noise(folder: Path) -> None:
    source = "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')\n[1, 2]"
    save(folder / "b.ipynb", text_of(made(source, "undone = 3")))
    before = (folder / "b.ipynb").read_text()
    assert main(["b.ipynb"]) == 0
    assert (folder / "b.ipynb").read_text() == before
    assert main(["--write"]) == 0
    first, second = read(folder / "b.ipynb").cells
    assert [one.output_type for one in first.outputs] == ["stream", "execute_result"]
    assert first.outputs[0].text == "a\nc\n"
    assert first.outputs[1].data == {"text/plain": "[1, 2]"}
    assert not second.outputs
    written = (folder / "b.ipynb").read_text()
    assert main(["--write"]) == 0
    assert (folder / "b.ipynb").read_text() == written


def test_what_depends_on_time_is_left_out() -> None:
    book = made("1")
    book.cells[0].metadata = {"execution": {"iopub.status.busy": "2026-01-01"}, "tags": ["a"]}
    book.metadata = {"kernelspec": {"name": "venv", "display_name": "mine"}, "widgets": {}}
    noisy = v4.new_output("stream", name="stderr", text="a warning")
    parts = [v4.new_output("stream", name="stdout", text=one) for one in ("a", "b\n")]
    book.cells[0].outputs = [noisy, *parts]
    kept = normalised(book)
    assert kept.cells[0].metadata == {} and dict(kept.metadata) == METADATA
    assert [one.text for one in kept.cells[0].outputs] == ["ab\n"]
    assert text_of(normalised(kept)) == text_of(kept)


def test_a_picture_is_kept_with_fewer_colours_and_its_size() -> None:
    file = BytesIO()
    Image.effect_noise((90, 40), 60).convert("RGBA").save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    book = made("1")
    book.cells[0].outputs = [v4.new_output("display_data", {"image/png": data + "\n"})]
    once = normalised(book)
    assert text_of(normalised(once)) == text_of(once)
    (one,) = shown(once)
    picture = Image.open(BytesIO(base64.b64decode(one.data["image/png"])))
    assert picture.size == (90, 40) and len(picture.getcolors()) > 2
    assert len(one.data["image/png"]) < len(data)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [("c", None, "notebooks of none at all; got c"), ("d", "{", "a notebook of format 4")],
)
def test_what_is_no_notebook_is_told(
    name: str, text: str | None, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (folder / f"{name}.ipynb").write_text(text)
    assert ended(lambda: main([name])) == 2
    assert told in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_runs(name: str) -> None:
    """In its own folder; the figures that are committed are pictures, here they may be others."""
    done = execute(FOLDER / f"{name}.ipynb")
    committed = read(FOLDER / f"{name}.ipynb")
    for cell, was in zip(done.cells, committed.cells, strict=True):
        assert bool(cell.get("outputs")) == bool(was.get("outputs")), cell.source


@pytest.mark.slow
def test_it_runs_from_the_root_without_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = "notebook_renderer()", '"plotly_mimetype"'
    done = execute(FOLDER / f"{NAMES[0]}.ipynb", ROOT, lambda source: source.replace(*blind))
    assert "application/vnd.plotly.v1+json" in shown(done)[-1].data


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[:6])
def test_it_runs_on_other_faces_and_another_network(name: str, tmp_path: Path) -> None:
    """06 is left out: it would train a MobileFaceNet from scratch, twice."""
    own = ["--model.pretrained_path", save_weights(tmp_path), "--model.backbone", "mobilefacenet"]
    (tmp_path / "people").mkdir()
    own += [
        "--data.root_dir",
        save_crops(tmp_path / "people"),
        "--unlearning.target_identities",
        "[bert]",
    ]
    own += ["--evaluation.num_folds", "3", "--linearizer.num_epochs", "2"]
    said = f"OWN: list[str] = {[str(one) for one in own]}"

    def change(source: str) -> str:
        return source.replace("OWN: list[str] = []", said)

    execute(FOLDER / f"{name}.ipynb", change=change)


def test_nothing_is_shown_that_was_typed_in(path: Path) -> None:
    """Numbers in sentences would stay as they are when results change."""
    for cell in read(path).cells[::2]:
        assert not re.search(r"\d+(\.\d+)?\s?(%|ms\b|s\b|seconds)", cell.source), cell.source
        assert not re.search(r"\b0\.\d+", cell.source), cell.source
