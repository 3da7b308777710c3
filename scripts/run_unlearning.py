"""Forgets people, and says what changed.

    python -m scripts.run_unlearning --config config.yaml --identity-ids s34 s25
    python -m scripts.run_unlearning --config config.yaml --method project

Reads the model of train_linearizer. Writes unlearned.safetensors and unlearning_results.json.
People are named by id, or by their place in the list of people.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from forget.commands import ended
from forget.linear.archive import save_model
from forget.recognition.command_line import parser_of, settings_of
from forget.recognition.devices import is_first
from forget.recognition.faces import people_of, study_faces
from forget.recognition.forgetting import effect_on, spoken, told
from forget.recognition.methods import study_method, unlearn_people
from forget.recognition.results import checkpoint_of, read_checkpoint, write_results
from forget.terminal import ProgressBars


def main(arguments: Sequence[str] | None = None) -> int:
    """Forgets, measures, saves."""
    if not is_first():
        return 0
    parser = parser_of(__doc__ or "")
    parser.add_argument("--linearizer-checkpoint", help="model of train_linearizer")
    parser.add_argument("--identity-ids", nargs="+", metavar="ID", help="whom to forget")
    parser.add_argument("--method", help="instead of unlearning.method")
    parser.add_argument("--output-dir", help="instead of evaluation.results_dir")
    said = parser.instantiate(parser.parse_args(arguments))
    settings = settings_of(said)
    keys = replace(
        settings.unlearning,
        target_identities=said.identity_ids or settings.unlearning.target_identities,
        method=said.method or settings.unlearning.method,
    )
    settings = replace(settings, unlearning=keys)
    name, _ = study_method(keys)
    folder = Path(said.output_dir or settings.evaluation.results_dir).expanduser()
    with ProgressBars(mininterval=0.5) as bars:
        model = read_checkpoint(Path(said.linearizer_checkpoint or checkpoint_of(settings)))
        faces = study_faces(settings, bars)
        people = people_of(faces, keys.target_identities)
        found = unlearn_people(model, faces, people, keys, bars)
        effect = effect_on(model, found, faces, people, bars)
    save_model(found.model, folder / "unlearned.safetensors")
    write_results(folder / "unlearning_results.json", settings, told(name, found, effect))
    print("\n".join([*spoken(name, found, effect), f"Saved in {folder}"]))
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
