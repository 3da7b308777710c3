"""Trains the linear part of a study, and fits everybody's photographs.

    python -m scripts.train_linearizer --config config.yaml
    python -m scripts.train_linearizer --config config.yaml --linearizer.kind linearizer --resume
    torchrun --nproc-per-node 2 -m scripts.train_linearizer --config config.yaml

Writes linearizer.safetensors, the model with its feature store, and linearizer.json into
linearizer.checkpoint_dir. Several processes share the work. Sums are those of one process, bit for
bit, where no maps are trained; maps are those of one up to rounding, and sums are sums of them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from forget.commands import ended
from forget.data.split import split_by_identity
from forget.linear.archive import save_model
from forget.linear.linearizer.features import LinearizerFeatures
from forget.linear.model import LinearModel
from forget.metrics.recognition import recognise
from forget.recognition.command_line import parser_of, settings_of
from forget.recognition.devices import fabric_of
from forget.recognition.faces import study_faces
from forget.recognition.linear_part import fit_linear
from forget.recognition.networks import study_network
from forget.recognition.results import MODEL, write_results
from forget.terminal import ProgressBars
from forget.training import describe

SHOWN = 2000  # held-out photographs, at most, on which the model is tried


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains, fits, saves."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--checkpoint-dir", help="instead of linearizer.checkpoint_dir")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted training")
    said = parser.instantiate(parser.parse_args(arguments))
    settings = settings_of(said)
    folder = Path(said.checkpoint_dir or settings.linearizer.checkpoint_dir).expanduser()
    partial = folder / "linearizer.partial.pt"
    if not said.resume:
        partial.unlink(missing_ok=True)
    fabric = fabric_of(settings.device)
    with ProgressBars(mininterval=0.5, disable=fabric.global_rank > 0) as bars:
        faces = study_faces(settings, bars)
        start = perf_counter()
        network = study_network(settings.model)
        model = fit_linear(settings, faces, network, fabric, bars, partial)
    seconds = perf_counter() - start
    if fabric.global_rank:
        return 0
    save_model(model, folder / MODEL)
    found = judged(model, faces)
    about = {"people": len(model.people), "photographs": model.statistics.count}
    results = {**about, "seconds": seconds, "digest": model.statistics.digest(), **found}
    if isinstance(model.feature_map, LinearizerFeatures):
        results["clipped"] = model.feature_map.clipped
    write_results(folder / "linearizer.json", settings, results, describe(fabric))
    print(
        f"{settings.linearizer.kind}: {about['people']:,} people, {about['photographs']:,} "
        f"photographs, {seconds:.1f} s on {describe(fabric)}.\n"
        f"Held-out photographs identified: {found['identified']:.1%}, above the threshold "
        f"{found['recognised']:.1%} ({found['held_out']:,} photographs).\n"
        f"{_clipped(results)}Sums: {results['digest']}\nSaved: {folder / MODEL}"
    )
    return 0


def judged(model: LinearModel, faces: Any) -> dict[str, float]:  # noqa: ANN401
    """How well people are told apart on photographs that were held out."""
    held_out = split_by_identity(faces).test
    some = held_out[:: max(len(held_out) // SHOWN, 1)]
    labels = [faces.labels[i] for i in some]
    seen = recognise(model.predict(faces.images[some]), model.classes, labels, model.threshold)
    shares = {"identified": seen.identified, "recognised": seen.recognised}
    return {**shares, "held_out": len(some)}


def _clipped(results: dict[str, Any]) -> str:
    """A line on what the grid of a Linearizer could not hold; nothing for other linear parts."""
    if "clipped" not in results:
        return ""
    shares = ", ".join(f"{share:.2%} of the {name}" for name, share in results["clipped"].items())
    return f"Beyond the grid, and clipped, on the core: {shares}.\n"


if __name__ == "__main__":
    sys.exit(ended(main))
