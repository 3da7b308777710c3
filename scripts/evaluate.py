"""Evaluates the network of a study and its linear model: LFW to IJB-C, or held-out pairs.

    python -m scripts.evaluate --config config.yaml
    python -m scripts.evaluate --config config.yaml --datasets lfw cfp_fp
    python -m scripts.evaluate --linearizer-checkpoint .../unlearned.safetensors

Writes evaluation_original.json, evaluation_linearized.json where there is a linear model, and a
page with the ROC of each set of pairs. Without any set under data.evaluation it takes pairs of the
study's own held-out photographs.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from forget.charts.files import write_page
from forget.charts.verification import det_curves, roc_curves
from forget.commands import ended
from forget.metrics.evaluation import Report
from forget.recognition.command_line import parser_of, settings_of
from forget.recognition.devices import is_first
from forget.recognition.embedding import Embed, linear_features, network_features
from forget.recognition.evaluation import HELD_OUT, chosen_sets, evaluate_study
from forget.recognition.faces import study_faces
from forget.recognition.networks import study_network
from forget.recognition.results import checkpoint_of, read_checkpoint, write_results
from forget.terminal import ProgressBars

SHOWN = ("accuracy [share]", "equal error rate [share]", "area under the curve [share]")


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluates, writes, draws."""
    if not is_first():
        return 0
    parser = parser_of(__doc__ or "")
    parser.add_argument("--model-checkpoint", help="instead of model.pretrained_path")
    parser.add_argument("--linearizer-checkpoint", help="a linear model; none: the study's own")
    parser.add_argument("--datasets", nargs="+", default=[], metavar="SET", help="which sets")
    parser.add_argument("--output-dir", help="instead of evaluation.results_dir")
    said = parser.instantiate(parser.parse_args(arguments))
    settings = settings_of(said)
    if said.model_checkpoint:
        weights = replace(settings.model, pretrained_path=said.model_checkpoint)
        settings = replace(settings, model=weights)
    folder = Path(said.output_dir or settings.evaluation.results_dir).expanduser()
    sets = chosen_sets(settings, said.datasets)
    models: dict[str, Embed] = {"original": network_features(study_network(settings.model))}
    linear = Path(said.linearizer_checkpoint or checkpoint_of(settings))
    if said.linearizer_checkpoint or linear.is_file():
        models["linearized"] = linear_features(read_checkpoint(linear))
    with ProgressBars(mininterval=0.5) as bars:
        faces = study_faces(settings, bars) if HELD_OUT in sets else None
        reports, curves = evaluate_study(settings, models, sets, faces, bars)
    for model, found in reports.items():
        write_results(folder / f"evaluation_{model}.json", settings, found)
    for name, mine in curves.items():
        write_page(folder / f"roc_{name}.html", roc_curves(mine))
        write_page(folder / f"det_{name}.html", det_curves(mine))
    print("\n".join([*table(reports), f"Saved in {folder}"]))
    return 0


def table(reports: dict[str, dict[str, Report]]) -> list[str]:
    """The figures that people look for first, a line per set and model, and all warnings."""
    lines = [f"{'set':<12}{'model':<12}" + "".join(f"{name.split(' [')[0]:>22}" for name in SHOWN)]
    warnings = []
    for model, found in reports.items():
        for name, report in found.items():
            cells = "".join(
                f"{report[key]:>22.4f}" if key in report else f"{'-':>22}" for key in SHOWN
            )
            lines.append(f"{name:<12}{model:<12}{cells}")
            warnings += [f"{name}, {model}: {one}" for one in report["warnings"]]  # type: ignore[union-attr]
    return [*lines, *warnings]


if __name__ == "__main__":
    sys.exit(ended(main))
