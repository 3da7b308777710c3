"""The tables of the MUFAC benchmark come from its CSV, with intervals where there are seeds."""

from pathlib import Path

import pytest

from benchmarks.mufac import __main__ as benchmark
from benchmarks.mufac.figures import gap_figure, price_figure
from benchmarks.mufac.standard import TRIALS
from benchmarks.mufac.tables import tables


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(benchmark, "TABLE", tmp_path / "mufac.csv")
    return benchmark.TABLE


def test_nothing_measured_is_said(table: Path) -> None:
    assert "Nothing was measured at 64 pixels" in tables(benchmark.read(), 64)


def test_rows_become_cells_with_an_interval_over_seeds(table: Path) -> None:
    for seed, value in enumerate((0.50, 0.52, 0.54)):
        rows = [("benchmark", "network", "test", value), ("", "network", "images", 100.0)]
        benchmark.append(64, seed, "network, everybody", rows)
    benchmark.append(64, 0, "network, core 50%", [("benchmark", "network", "test", 0.49)])
    shown = tables(benchmark.read(), 64)
    assert "| network on everybody |  |  | 0.520 ± 0.050 |" in shown
    assert "| network on half of the people |  |  | 0.49 |" in shown


def test_gap_and_seconds_of_a_deletion_are_shown(table: Path) -> None:
    name = "tangent, added"
    rows = [
        ("benchmark", name, "forget", 0.4),
        ("benchmark", name, "gap to the refit", 0.0),
        ("benchmark", name, "seconds", 2.5),
        ("nobody", name, "forget", 0.5),
    ]
    benchmark.append(64, 0, "tangent, core 50%", rows)
    shown = tables(benchmark.read(), 64)
    assert "| `tangent`, learned added, after | 0.4 |  |  |  |  |  | 0 | 2.5 s |" in shown


def test_approximate_steps_and_people_have_tables(table: Path) -> None:
    steps = [("benchmark", "before", "gap", 0.2)]
    benchmark.append(64, 0, "approximate steps, before", steps)
    benchmark.append(64, 0, "people, tangent", [("nobody", "tangent", "identified added", 0.125)])
    shown = tables(benchmark.read(), 64)
    assert "| before |  | 0.2 |" in shown
    assert "| identified, added |  |  | 0.125 |" in shown


def test_the_figures_hold_what_was_measured(table: Path) -> None:
    assert price_figure(benchmark.read()) is None and gap_figure(benchmark.read()) is None
    for share, value in ((30, 0.45), (50, 0.48), (85, 0.52)):
        rows = [("benchmark", "network", "test and unseen", value)]
        benchmark.append(64, 0, f"network, core {share}%", rows)
    tangent = [("nobody", "tangent, added", "test and unseen", 0.5)]
    benchmark.append(64, 0, "tangent, core 50%", tangent)
    trial = next(name for name in TRIALS if name.startswith("newton_cg"))
    for seed, gap in enumerate((0.1, 0.2)):
        before = [("benchmark", "before", "gap", 0.3)]
        benchmark.append(64, seed, "approximate steps, before", before)
        rows = [
            ("benchmark", trial, "gap", gap),
            ("benchmark", trial, "share of retraining", 0.04),
        ]
        benchmark.append(64, seed, f"approximate steps, {trial}", rows)
    price, gaps = price_figure(benchmark.read()), gap_figure(benchmark.read())
    alone, line = price.data
    assert (alone.x, alone.y) == ((30, 50, 85), (0.45, 0.48, 0.52))
    assert (line.x, line.y) == ((50,), (0.5,))
    (newton,) = gaps.data
    assert (newton.x, newton.name) == ((0.04,), "newton_cg")
    assert newton.y == pytest.approx((0.15,))
    assert newton.error_y.array == pytest.approx((0.05,))


def test_a_stage_is_done_once_it_is_in_the_table(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark.append(64, 0, "network, reference", [("", "network", "images", 1.0)])
    assert benchmark.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    done = [line for line in lines if line.startswith("done")]
    assert done == ["done 0 network, reference"]
    assert len(set(lines)) == len(lines)


def test_the_page_shows_the_committed_rows() -> None:
    shown = benchmark.PAGE.path.read_text()
    assert benchmark.PAGE.renewed(shown) == shown
