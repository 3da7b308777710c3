"""Compares methods on the linear model of a study with real retraining.

    python -m scripts.compare_methods --config config.yaml --identity-ids s34
    python -m scripts.compare_methods --methods subtract project

Reads the model of train_linearizer. Writes comparison_results.json and comparison_results.csv.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from forget.commands import ended
from forget.comparison_table import save_csv
from forget.recognition.command_line import parser_of, settings_of
from forget.recognition.comparison import METHODS, Study, compare_study
from forget.recognition.devices import fabric_of
from forget.recognition.faces import people_of, study_faces
from forget.recognition.results import checkpoint_of, read_checkpoint, write_results
from forget.terminal import ProgressBars


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs methods, trains again, compares."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--linearizer-checkpoint", help="model of train_linearizer")
    parser.add_argument("--identity-ids", nargs="+", metavar="ID", help="whom to forget")
    parser.add_argument("--methods", nargs="+", default=METHODS, help="for linear models")
    parser.add_argument("--output-dir", help="instead of evaluation.results_dir")
    said = parser.instantiate(parser.parse_args(arguments))
    settings = settings_of(said)
    wanted = said.identity_ids or settings.unlearning.target_identities
    folder = Path(said.output_dir or settings.evaluation.results_dir).expanduser()
    fabric = fabric_of(settings.device)
    with ProgressBars(mininterval=0.5, disable=fabric.global_rank > 0) as bars:
        model = read_checkpoint(Path(said.linearizer_checkpoint or checkpoint_of(settings)))
        faces = study_faces(settings, bars)
        people = people_of(faces, wanted)
        study = Study(settings, model, faces, people, fabric)
        if fabric.global_rank and not study.shared:
            return 0
        found = compare_study(study, said.methods, bars)
    if fabric.global_rank:
        return 0
    settings = replace(settings, unlearning=replace(settings.unlearning, target_identities=people))
    rows = found.to_dict(orient="records")
    write_results(folder / "comparison_results.json", settings, {"rows": rows})
    save_csv(found, folder / "comparison_results.csv")
    print(found.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    print(f"Read every row against retrain, which never saw them. Saved in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
