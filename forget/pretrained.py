"""The model that comes with the project, and models of one's own photographs."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from forget.data.dataset import FaceDataset, known_identities
from forget.data.load import load_faces
from forget.data.split import split_by_identity
from forget.errors import CheckpointError
from forget.kept import Shelf
from forget.linear.archive import read_model
from forget.linear.classifier_features import ClassifierFeatures
from forget.linear.face_features import FaceFeatures
from forget.linear.feature_map import FeatureMap, Penultimate
from forget.linear.grid import Rows
from forget.linear.model import LinearModel
from forget.linear.shared_rows import rows_over_ranks
from forget.linearizations import (
    LastLayer,
    linearization,
    make_feature_map,
    rule_of,
    training_part,
)
from forget.models.checkpoint import TrainingRecord, read_tensors
from forget.models.classifier import Classifier
from forget.models.embedder import Embedder
from forget.models.face_backbone import FaceBackbone
from forget.progress import OnStep, silent

__all__ = [
    "DEMO",
    "EMBEDDER",
    "demo_facts",
    "demo_feature_map",
    "kept_feature_map",
    "linearize",
    "load_feature_map",
    "load_model",
    "record_of",
]

DEMO = Path(__file__).parents[1] / "app_data" / "orl" / "embedder.safetensors"
EMBEDDER = "forget embedder 1"  # format of the file


def demo_facts() -> dict[str, Any]:
    """What was recorded with the embedder's weights: how they were made, and what was measured."""
    return _facts(DEMO)


def load_feature_map(path: str | Path = DEMO) -> Penultimate:
    """The trained embedder as a feature map, with the training record that lies beside it.

    Raises:
        CheckpointError: A file is missing, cut off, foreign, a pickle, or they do not belong
            together.
    """
    path = Path(path)
    tensors, about = read_tensors(path)
    facts = _facts(path)
    if about.get("format") != EMBEDDER:
        raise CheckpointError(
            f"weights of format {EMBEDDER!r}",
            f"{about.get('format')!r} in {path.name}",
            "Make them again with: make demo-weights",
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if facts.get("weights_sha256") != digest:
        raise CheckpointError(
            f"the weights that {path.with_suffix('.json').name} describes",
            f"others (SHA-256 {digest[:12]}...)",
            "Keep the two files of one training together, or run: make demo-weights",
        )
    record = TrainingRecord.from_json(facts.get("record"))
    return Penultimate.from_parts(about.get("config", {}), tensors, record)


def demo_feature_map(kind: str = "penultimate", on_step: OnStep = silent) -> FeatureMap:
    """The demo embedder linearized in some way, on the core people it was trained on.

    What has to be trained first is kept beside the weights, and read from there the next time.

    Arguments:
        kind: A name in `forget.linearizations.LINEARIZATIONS`.
        on_step: Told of progress; what it raises passes through.

    Raises:
        ForgetError: No such kind.
        CheckpointError: The weights are missing or foreign.
    """
    return _shelf().get(kind, on_step)


def kept_feature_map(kind: str) -> FeatureMap | None:
    """What `demo_feature_map` returns, if it need not be made first.

    None if it was never made, if it belongs to other weights, or if the file was cut off.

    Raises:
        ForgetError: No such kind.
        CheckpointError: The weights are missing or foreign.
    """
    return _shelf().find(kind)


def _shelf() -> Shelf:
    def core() -> FaceDataset:
        faces = load_faces("orl")
        return training_part(faces, faces.core)

    return Shelf(DEMO.parent, load_feature_map, core)


def load_model(source: str | Path, kind: str = "penultimate") -> LinearModel:
    """The demo model by name, or a saved model from a file.

    Arguments:
        source: "orl" (40 people, fitted on the spot from the photographs), or a path.
        kind: How the demo model is linearized, a name in `LINEARIZATIONS`.

    Raises:
        CheckpointError: The file is missing, cut off, foreign or a pickle.
    """
    if source == "orl":
        return linearize(demo_feature_map(kind), load_faces("orl"), kind=kind)
    return read_model(source)


def linearize(
    network: Embedder | Classifier | FaceBackbone | FeatureMap,
    faces: FaceDataset,
    core: Sequence[str] | None = None,
    kind: str = "penultimate",
    ridge: float | None = None,
    on_step: OnStep = silent,
    rows: Rows | None = None,
    fabric: Fabric | None = None,
) -> LinearModel:
    """Fits a linear model of the people in a data set on top of a frozen network.

    Arguments:
        network: An embedder; a classifier, whose last hidden layer is read, averaged over each
            photograph and its mirror image; a face network, which reads aligned crops; or a
            feature map that knows its training record.
        faces: The photographs to learn; of each person the last 30 % are held out.
        core: People of `faces` that the embedder was trained on, [] for none; None says that
            nobody knows, and then forgetting promises nothing about the network.
        kind: A name in `forget.linearizations.LINEARIZATIONS`, such as "tangent"; what it has to
            choose it chooses on the core people of `faces`, or has chosen in `network`.
        ridge: Regulariser of the head; None takes the one chosen on core people.
        on_step: Told after each batch of photographs.
        rows: Features on the grid of all photographs, (n, d), where they are known already.
        fabric: Processes to share the work among, from `forget.training.accelerate`; all of them
            call this, and get the same model. Rows are then computed for all photographs, those
            that the model does not need included, so that they are the same for any number of
            processes, see `forget.linear.shared_rows`.

    Raises:
        ForgetError: No such kind of linearization.
        IdentityError: A core person is not in the data set.
    """
    linearization(kind)  # refuses what is none
    if isinstance(network, Embedder | Classifier | FaceBackbone):
        network = _last_layer(network, None if core is None else record_of(faces, core))
    if core:
        faces = replace(faces, core=known_identities(core, faces.identities))
    if isinstance(network, LastLayer) and kind != "penultimate":
        network = make_feature_map(
            kind, network, training_part(faces, faces.core), on_step, fabric
        )
    if ridge is None and isinstance(network, Penultimate):
        ridge = demo_facts()["head"]["ridge"]  # chosen when the weights were made
    rule = rule_of(network)
    rule = rule if ridge is None else replace(rule, ridge=ridge)
    if rows is None and fabric is not None:
        rows = rows_over_ranks(network, faces.images, fabric, on_step)
    return LinearModel.fit(network, split_by_identity(faces), rule, on_step, rows)


def _last_layer(
    network: Embedder | Classifier | FaceBackbone, record: TrainingRecord | None
) -> LastLayer:
    if isinstance(network, Embedder):
        return Penultimate(network, record)
    if isinstance(network, FaceBackbone):
        return FaceFeatures(network, record)
    return ClassifierFeatures(network, record, mirror=True)


def record_of(faces: FaceDataset, core: Sequence[str]) -> TrainingRecord:
    """The training record of a network that was trained on some people of a data set.

    Raises:
        IdentityError: A person is not in the data set.
    """
    people = known_identities(core, faces.identities) if core else ()
    hashes = [faces.hashes_of(person) for person in people]
    return TrainingRecord(frozenset(people), frozenset().union(*hashes))


def _facts(weights: Path) -> dict[str, Any]:
    path = weights.with_suffix(".json")
    try:
        facts = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"the training record of the weights in {path.name}",
            f"{type(error).__name__}",
            "Keep the file beside the weights, or make both again with: make demo-weights",
        ) from error
    if not isinstance(facts, dict):
        raise CheckpointError("facts by name", type(facts).__name__, "Run: make demo-weights")
    return facts
