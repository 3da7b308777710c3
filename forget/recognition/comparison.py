"""Methods side by side on one linear model, read against real retraining."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from lightning_fabric import Fabric

from forget.data.dataset import FaceDataset, Indices
from forget.data.split import Split, split_by_identity
from forget.linear.face_features import FaceFeatures
from forget.linear.model import LinearModel
from forget.metrics.recognition import recognise
from forget.models.embedder import Embedder
from forget.pretrained import record_of
from forget.progress import OnStep, silent
from forget.recognition.embedding import as_read, linear_features
from forget.recognition.linear_part import fit_linear
from forget.recognition.methods import unlearn_people
from forget.recognition.retraining import train_backbone
from forget.recognition.settings import Settings
from forget.recognition.verification import held_out_pairs, judged
from forget.reference import train_without
from forget.unlearning.guarantees import guarantee_for

__all__ = ["REFERENCE", "Study", "compare_study"]

REFERENCE = "retrain"
METHODS = ("subtract", "refit", "project", "leace", "svd")


@dataclass(frozen=True, eq=False)
class Study:
    """What methods are compared on.

    Arguments:
        settings: Of the study.
        model: The linear model that knows everybody.
        faces: Their photographs.
        people: Whom to forget.
        fabric: The processes that train; one if None.
    """

    settings: Settings
    model: LinearModel
    faces: FaceDataset = field(repr=False)
    people: Sequence[str]
    fabric: Fabric | None = None

    @property
    def split(self) -> Split:
        """Held-out photographs, and who leaves."""
        return split_by_identity(self.faces).forgetting(self.people)

    @property
    def shared(self) -> bool:
        """Whether processes share the retraining; that of the embedder is for one."""
        return not _is_embedder(self.model)


def compare_study(
    study: Study, methods: Sequence[str] = METHODS, on_step: OnStep = silent
) -> pd.DataFrame:
    """Runs methods, and trains again without the people, network and all.

    A network from elsewhere is not trained again as it was, since nobody has its photographs: one
    of the same kind is trained from scratch on these people, once with and once without those
    who leave. The row "train" is what the row "retrain" has to be read against.

    Arguments:
        study: The model and the people.
        methods: Names of methods for linear models.
        on_step: Told of progress.

    Returns:
        One row per method: promise and scope; seconds; shares of held-out photographs, in [0, 1]:
        of the forgotten named as anybody, as themselves if they are enrolled, of the others named
        rightly; share of all decisions that are those of "retrain"; and equal error rate of
        held-out pairs.

    Raises:
        ForgetError: A method that is not there, or people whom it cannot take out.
    """
    runs = list(_runs(study, methods, on_step))
    split = study.split
    seen = {name: _decisions(model, split) for name, model, _ in runs}
    rows = []
    for name, model, about in runs:
        agree = float((seen[name] == seen[REFERENCE]).mean())
        figures = _figures(seen[name], split)
        error = _equal_error(study, model)
        rows.append({"method": name, **about, **figures, "agree": agree, "equal error": error})
    return pd.DataFrame(rows)


def _runs(
    study: Study, methods: Sequence[str], on_step: OnStep
) -> Iterator[tuple[str, LinearModel, dict[str, Any]]]:
    yield "original", study.model, _about("none", "model", 0.0)
    for name in methods:
        keys = replace(study.settings.unlearning, method=name)
        found = unlearn_people(study.model, study.faces, study.people, keys)
        promise = found.guarantee
        yield name, found.model, _about(str(promise.kind), str(promise.scope), found.seconds)
    for name, leaving in _trainings(study):
        start = perf_counter()
        model = _trained(study, leaving, _named(on_step, name))
        spent = perf_counter() - start
        if not leaving:
            yield name, model, _about("none", "model", spent)
            continue
        # A photograph of theirs that stays under another name would have trained it too.
        promise = guarantee_for(model, study.split, study.people)
        yield name, model, _about(str(promise.kind), str(promise.scope), spent)


def _trainings(study: Study) -> list[tuple[str, Sequence[str]]]:
    """Trainings to do: the embedder's own recipe made the original, so it needs no second one."""
    again: list[tuple[str, Sequence[str]]] = [(REFERENCE, study.people)]
    return again if not study.shared else [("train", ()), *again]


def _trained(study: Study, leaving: Sequence[str], on_step: OnStep) -> LinearModel:
    if not study.shared:
        return train_without(study.model, study.split, study.settings.seed, on_step)
    stay = [one for one in study.faces.identities if one not in set(leaving)]
    faces = study.faces.only(stay)
    learned = split_by_identity(faces).train
    backbone = train_backbone(study.settings, faces, learned, study.fabric, on_step)
    network = FaceFeatures(backbone, record_of(faces, stay))
    return fit_linear(study.settings, faces, network, study.fabric)


def _named(on_step: OnStep, name: str) -> OnStep:
    return lambda done, total, note="": on_step(done, total, f"{name}, {note}")


def _is_embedder(model: LinearModel) -> bool:
    return isinstance(getattr(_base(model), "network", None), Embedder)


def _base(model: LinearModel) -> object:
    return getattr(model.feature_map, "backbone", model.feature_map)


def _about(kind: str, scope: str, seconds: float) -> dict[str, Any]:
    return {"guarantee": kind, "scope": scope, "seconds": seconds}


def _decisions(model: LinearModel, split: Split) -> np.ndarray:
    """Whom the model names on each held-out photograph, "" for nobody, (n,)."""
    scores = model.predict(as_read(model.feature_map, split.faces.images[split.test]))
    labels = _labels(split, split.test)
    seen = recognise(scores, model.classes, labels, model.threshold)
    return np.where(seen.known, np.array(seen.who, dtype=object), "")


def _figures(said: np.ndarray, split: Split) -> dict[str, float]:
    labels = _labels(split, split.test)
    gone = np.isin(labels, list(split.leaving))
    right = said == labels
    return {
        "forgotten named": float((said[gone] != "").mean()),
        "forgotten recognised": float(right[gone].mean()),
        "others recognised": float(right[~gone].mean()),
    }


def _labels(split: Split, indices: Indices) -> np.ndarray:
    return np.array([split.faces.labels[i] for i in indices], dtype=object)


def _equal_error(study: Study, model: LinearModel) -> float:
    keys = study.settings.evaluation
    pairs = held_out_pairs(linear_features(model), study.faces, keys.num_folds)
    return float(judged(pairs, keys)["equal error rate [share]"])  # type: ignore[arg-type]
