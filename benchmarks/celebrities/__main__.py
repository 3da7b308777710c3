"""What forgetting does on a face network from elsewhere: of some celebrities, one leaves.

    python -m benchmarks.celebrities backbone.ckpt crops --forget "Tom Hanks"

About 3 minutes on 2 cores for 850 crops and a MobileFaceNet. FOLDER holds aligned crops of
112 x 112 pixels, <person>/<any>.png. Prints tables in Markdown, writes benchmarks/celebrities.csv.

Every other person of those who stay is core: they choose the maps of "tangent" and "linearizer"
and, for all kinds alike, the threshold. That does not make them the network's training data. Whom
the network was trained on nobody knows, so the scope of forgetting stays the readout for everyone,
and a celebrity may well be among them. The one who leaves and the rest are added, whom no map saw.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmarks.celebrities.leaving import linear_values
from benchmarks.celebrities.network import drawn, network_values
from forget.commands import ended
from forget.data.dataset import FaceDataset, known_identities
from forget.data.recognition.crops import load_crops
from forget.data.split import split_by_identity
from forget.errors import ForgetError
from forget.linear.face_features import FaceFeatures
from forget.linear.feature_map import FeatureMap
from forget.linear.model import all_rows
from forget.linearizations import make_feature_map, training_part
from forget.models.backbone_file import load_backbone
from forget.models.face_backbone import FaceBackbone
from forget.pretrained import linearize
from forget.runtime import machine
from forget.terminal import ProgressBars

TABLE = Path(__file__).parents[1] / "celebrities.csv"
KINDS = ("penultimate", "tangent", "linearizer")
DIGITS = {"cosine": ".3f", "score": ".3g", "ms": ".2f"}  # by unit; else counts


def with_core(faces: FaceDataset, person: str) -> FaceDataset:
    """The faces with every other person of those who stay as core, who choose maps and threshold.

    Raises:
        ForgetError: Nobody of that name, or fewer than 3 others.
    """
    (leaver,) = known_identities([person], faces.identities)
    others = [one for one in faces.identities if one != leaver]
    if len(others) < 3:
        raise ForgetError(
            "at least 3 people beside the one who leaves", f"{len(others)}", "Add people."
        )
    return replace(faces, core=tuple(others[::2]))


def feature_map_of(backbone: FaceBackbone, faces: FaceDataset, kind: str) -> FeatureMap:
    """A linearization chosen on the core, without a record: who trained the network is unknown."""
    base = FaceFeatures(backbone)
    with ProgressBars(mininterval=1.0, dynamic_ncols=True) as bars:
        return make_feature_map(kind, base, training_part(faces, faces.core), bars)


def markdown(table: pd.DataFrame) -> str:
    """The values as two tables: of the network, and of the linearizations side by side."""
    own = table["linearization"] == "network"
    parts = []
    for part in (table[own], table[~own]):
        kinds = list(dict.fromkeys(part["linearization"]))
        lines = ["| " + " | ".join(["", *kinds]) + " |", "|---" * (len(kinds) + 1) + "|"]
        for metric, of in part.groupby("metric", sort=False):
            cells = dict(zip(of["linearization"], of["value"], strict=True))
            name, _, unit = str(metric).rstrip("]").partition(" [")
            unit = "" if unit in ("share", "yes or no") else unit
            told = [shown(str(metric), cells[kind]) if kind in cells else "" for kind in kinds]
            lines.append(f"| {name}{f', {unit}' if unit else ''} | {' | '.join(told)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def shown(metric: str, value: float | str) -> str:
    """One value as a reader wants it."""
    if isinstance(value, str):
        return value
    unit = metric.rstrip("]").rpartition("[")[2]
    if unit == "share":
        return f"{100 * value:.1f} %"
    return format(value, DIGITS.get(unit, ",.0f"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the table; 2 where something is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("weights", type=Path, metavar="WEIGHTS", help="a face network, .ckpt, .pth, .onnx ...")
    add("folder", type=Path, metavar="FOLDER", help="aligned crops, <person>/<any>.png")
    add("--forget", required=True, metavar="NAME", help="who leaves: the name of a folder in it")
    add("--people", type=int, default=10, help="of a small set of pairs (10)")
    add("--photographs", type=int, default=4, help="of each of them (4)")
    add("--draws", type=int, default=300, help="random sets of that size, 2 at least (300)")
    add("--kinds", nargs="+", choices=KINDS, default=KINDS, help="linearizations (all three)")
    options = parser.parse_args(arguments)
    if options.draws < 2:
        parser.error("--draws must be 2 or more")
    return ended(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    table = measured(options)
    written = table.assign(value=[v if isinstance(v, str) else f"{v:.5g}" for v in table["value"]])
    written["machine"] = machine()
    written.to_csv(TABLE, index=False)
    print(f"{markdown(table)}\n\n{machine()}")
    return 0


def measured(options: argparse.Namespace) -> pd.DataFrame:
    """All values: linearization, metric, value."""
    faces = with_core(load_crops(options.folder), options.forget)
    drawn(faces, options.people, options.photographs, None)  # refuses before minutes of work
    backbone = load_backbone(options.weights)
    features = backbone.embed(faces.images)
    small = (options.people, options.photographs, options.draws)
    found = {"network": network_values(features, faces, *small)}
    for kind in options.kinds:
        feature_map = feature_map_of(backbone, faces, kind)
        rows = all_rows(feature_map, faces.images)
        model = linearize(feature_map, faces, kind=kind, rows=rows)
        found[kind] = linear_values(model, split_by_identity(faces), rows, options.forget)
    told = [(kind, metric, v) for kind, values in found.items() for metric, v in values.items()]
    return pd.DataFrame(told, columns=["linearization", "metric", "value"])


if __name__ == "__main__":
    sys.exit(main())
