"""The script that draws runs: every kind of run, the file names people know, clear errors."""

from pathlib import Path

import pytest
from sample_runs import write_sample

import plot_results
from forget.charts import files as figure_files
from forget.errors import ForgetError
from forget.runs.run import Run


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder of runs of all kinds."""
    root: Path = tmp_path_factory.mktemp("logs")
    for dataset in ("mnist", "cifar10", "mufac", "digits"):
        write_sample(root, dataset, epochs=1)
    write_sample(root, "digits", "training")
    write_sample(root, "digits", "unlearning", seeds=(0, 1))
    for dataset in ("mnist", "cifar10", "mufac"):
        write_sample(root, dataset, "earlier", epochs=2)
    return root


def draw(*arguments: object) -> int:
    return plot_results.main([str(one) for one in arguments])


def folder_of(logs: Path, dataset: str, place: int = -1) -> Path:
    """One of the folders of a data set, by date; the earlier project's is the first."""
    return sorted((logs / dataset).iterdir(), key=lambda path: (len(path.name), path.name))[place]


def test_a_run_gets_every_figure(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = "mnist"
    folder = folder_of(logs, dataset)
    assert draw(f"--exp_dir={folder}", f"--fig_dir={tmp_path}", "--formats=html") == 0
    run = folder.name
    expected = {
        *(f"{kind}_{dataset}_forget+retain_{run}" for kind in ("unlearn", "sets", "losses")),
        *(f"{kind}_{dataset}_finetune_{run}" for kind in ("unlearn", "sets", "losses")),
        *(f"mia_{dataset}_{one}_{run}" for one in ("original", "retrain", "finetune")),
        f"mia_{dataset}_kl_uniform_forget+retain_{run}",
        f"methods_{dataset}_{run}",
    }
    assert {path.stem for path in tmp_path.glob("*.html")} == expected
    said = capsys.readouterr().out
    assert all(str(tmp_path / f"{name}.html") in said for name in expected)
    page = (tmp_path / f"unlearn_{dataset}_forget+retain_{run}.html").read_text()
    assert 'src="plotly.min.js"' in page and "http" not in page.split("plotly.min.js")[0]
    assert (tmp_path / "plotly.min.js").stat().st_size > 1_000_000


@pytest.mark.parametrize("dataset", ["cifar10", "mufac", "digits"])
def test_every_data_set_is_drawn(logs: Path, dataset: str, tmp_path: Path) -> None:
    folder = folder_of(logs, dataset, 0 if dataset == "digits" else -1)
    given = ("--exp_dir", folder, "--fig_dir", tmp_path, "--formats", "html")
    assert draw(*given, "--method", "kl_uniform") == 0
    ending = f"{dataset}_forget+retain_{folder.name}"
    expected = {f"{kind}_{ending}" for kind in ("unlearn", "sets", "losses")}
    expected.add(f"mia_{dataset}_kl_uniform_forget+retain_{folder.name}")
    assert {path.stem for path in tmp_path.glob("*.html")} == expected


@pytest.mark.parametrize("dataset", ["mnist", "mufac"])
def test_an_earlier_folder_gets_what_it_has(logs: Path, dataset: str, tmp_path: Path) -> None:
    folder = folder_of(logs, dataset, 0)
    assert draw("--exp_dir", folder, "--fig_dir", tmp_path, "--formats", "html") == 0
    names = {path.stem.split("_")[0] for path in tmp_path.glob("*.html")}
    assert names == {"unlearn", "sets", "losses", "methods"}


def test_unfinished_runs_get_what_was_measured(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training, unlearning = folder_of(logs, "digits", 1), folder_of(logs, "digits", 2)
    assert draw("--exp_dir", training, "--fig_dir", tmp_path / "a", "--formats", "html") == 0
    drawn = {path.stem.split(f"_{training.name}")[0] for path in (tmp_path / "a").glob("*.html")}
    assert drawn == {"sets_digits_original", "losses_digits_original"}
    said = capsys.readouterr().out
    assert "unfinished" in said and "left out unlearn_digits" in said

    given = ("--exp_dir", unlearning, "--fig_dir", tmp_path / "b", "--formats", "html")
    assert draw(*given, "--method", "kl_uniform") == 0
    assert any((tmp_path / "b").glob("unlearn_digits_forget+retain_*.html"))


def test_one_method_and_one_seed(logs: Path, tmp_path: Path) -> None:
    folder = folder_of(logs, "digits", 2)
    given = ("--exp_dir", folder, "--fig_dir", tmp_path, "--formats", "html")
    assert draw(*given, "--method", "finetune", "--seed", 0) == 0
    names = {path.stem for path in tmp_path.glob("*.html")}
    assert names == {
        f"{kind}_digits_finetune_{folder.name}_seed0"
        for kind in ("unlearn", "sets", "losses", "mia")
    }


def test_several_runs_are_compared(logs: Path, tmp_path: Path) -> None:
    given = ("--method", "finetune", "--fig_dir", tmp_path, "--formats", "html")
    folders = [folder_of(logs, name) for name in ("mnist", "mufac")]
    assert draw("--exp_dir", folders[0], "--exp_dir", folders[1], *given) == 0
    (compared,) = tmp_path.glob("compare_*.html")
    assert compared.stem == f"compare_mnist_mufac_{folders[0].name}_{folders[1].name}"
    assert all(name in compared.read_text() for name in ("MNIST", "MUFAC"))


def test_runs_are_found_by_folder_and_pattern(logs: Path) -> None:
    three = sorted(path for path in (logs / "digits").iterdir())
    assert sorted(run.folder for run in plot_results.find(str(logs / "digits"))) == three
    assert sorted(run.folder for run in plot_results.find(f"{logs}/dig*/*")) == three
    assert len(plot_results.find(str(logs))) == 9
    assert plot_results.find(str(three[0])) == [Run(three[0])]


@pytest.mark.parametrize("given", ["nowhere", "mnist/2099", "mnist/2*/ckpt", "*/2099*"])
def test_no_run_is_an_error_that_names_some(
    logs: Path, given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw("--exp_dir", logs / given, "--fig_dir", tmp_path) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected a folder of a run")
    assert "These would do" in error
    assert not list(tmp_path.iterdir())


def test_a_broken_run_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params.json").write_text("{")
    (tmp_path / "metrics.json").write_text("{}")
    assert draw("--exp_dir", tmp_path, "--fig_dir", tmp_path / "figs") == 2
    assert "params.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"), [("--method=scrub", "'scrub'"), ("--seed=9", "The run has 0")]
)
def test_a_method_or_seed_that_is_not_there(
    logs: Path, option: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw("--exp_dir", folder_of(logs, "mnist"), "--fig_dir", tmp_path, option) == 2
    assert said in capsys.readouterr().err


def test_without_a_browser_there_are_pages_and_a_way_out(
    logs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def no_chrome(**_: object) -> None:
        raise RuntimeError("\n\nKaleido requires Google Chrome to be installed.\n")

    monkeypatch.setattr(figure_files.pio, "write_images", no_chrome)
    folders = [folder_of(logs, name) for name in ("mnist", "mufac")]
    given = ("--method", "finetune", "--fig_dir", tmp_path, "--formats", "png,pdf")
    assert draw("--exp_dir", *folders, *given) == 0
    error = capsys.readouterr().err
    assert error.count("requires Google Chrome") == 1  # told once, not for every run
    assert "apt-get install chromium" in error
    assert len(list(tmp_path.glob("*.html"))) == 9
    assert not list(tmp_path.glob("*.p*[fg]"))


def test_a_folder_that_cannot_be_written_to(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert draw("--exp_dir", folder_of(logs, "mnist"), "--fig_dir", tmp_path / "file/figs") == 2
    assert "can be written to" in capsys.readouterr().err


def test_formats_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        draw("--exp_dir", "x", "--formats", "gif")
    assert "html,png,svg,pdf" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        draw("--help")
    said = capsys.readouterr().out
    assert all(option in said for option in ("--exp_dir", "--fig_dir", "--formats", "--seed"))


@pytest.mark.browser
def test_pictures_are_drawn(logs: Path, tmp_path: Path) -> None:
    run = Run.open(folder_of(logs, "mnist"))
    figure = plot_results.class_accuracy_curves(run.table(), run.params, "finetune")
    try:
        figure_files.write_pictures(
            {tmp_path / f"a.{ending}": figure for ending in figure_files.FORMATS}
        )
    except ForgetError as error:
        pytest.skip(f"no Chromium found ({error})")
    starts = {path.suffix: path.read_bytes()[:5] for path in tmp_path.iterdir()}
    assert starts[".png"][1:4] == b"PNG"
    assert starts[".pdf"] == b"%PDF-"
    assert starts[".svg"].startswith(b"<svg")
