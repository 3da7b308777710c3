"""The structure of the package, read from its imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "forget").rglob("*.py"))

# A module imports only from its own row and from rows above it.
ROWS = [
    "forget.errors",
    "forget.commands",
    "forget.seeds",
    "forget.runtime",
    "forget.progress",
    "forget.memory",
    "forget.processes",
    "forget.data",
    "forget.models",
    "forget.augment",
    "forget.training",
    "forget.recipe",
    "forget.mufac_training",
    "forget.problems",
    "forget.embedder_training",
    "forget.linear",
    "forget.linearizations",
    "forget.kept",
    "forget.label_linearizations",
    "forget.forget_ready",
    "forget.pretrained",
    "forget.metrics",
    "forget.unlearning",
    "forget.methods",
    "forget.likeness",
    "forget.insiders",
    "forget.reenrol",
    "forget.effect",
    "forget.forecast",
    "forget.measured",
    "forget.reference",
    "forget.runs",
    "forget.prepared",
    "forget.judgement",
    "forget.stage",
    "forget.experiment",
    "forget.networks",
    "forget.tuning",
    "forget.contenders",
    "forget.relearning",
    "forget.shadows",
    "forget.comparison_table",
    "forget.comparison",
    "forget.contrast",
    "forget.charts",
    "forget.auditing",
    "forget.recognition",
    "forget.ui",
    "forget.terminal",
    "forget.compare_cli",
    "forget.unlearn_people",
    "forget.unlearn_options",
    "forget.unlearn_setup",
    "forget.unlearn_cli",
    "forget.__main__",
]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def row(module: str) -> int:
    (index,) = [i for i, one in enumerate(ROWS) if module == one or module.startswith(one + ".")]
    return index


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_upwards(path: Path) -> None:
    module = name_of(path)
    if module == "forget":
        return
    ours = [one for one in imports(path) if one.startswith("forget.")]
    below = [one for one in ours if row(one) > row(module)]
    assert not below


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_ui_knows_streamlit_and_nobody_prints(path: Path) -> None:
    tree = ast.parse(path.read_text())
    module = name_of(path)
    if not module.startswith("forget.ui"):
        assert not [one for one in imports(path) if one.split(".")[0] == "streamlit"]
    if module not in ("forget.__main__", "forget.unlearn_setup", "forget.unlearn_cli"):
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert "print" not in [call.id for call in calls if isinstance(call, ast.Name)]


def test_charts_and_errors_do_not_need_torch() -> None:
    charts = sorted((ROOT / "forget" / "charts").glob("*.py"))
    for path in (*charts, ROOT / "forget" / "errors.py", ROOT / "forget" / "progress.py"):
        assert "torch" not in {one.split(".")[0] for one in imports(path)}


@pytest.mark.parametrize(
    "path", sorted([*(ROOT / "pages").glob("*.py"), ROOT / "app.py"]), ids=str
)
def test_pages_are_thin(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 80
    assert "torch" not in {one.split(".")[0] for one in imports(path)}
