"""Forgetting as a study asks for it: methods by today's names and by older ones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import ForgetError
from forget.linear.model import LinearModel
from forget.methods.project import Project
from forget.methods.registry import LINEAR_METHODS
from forget.methods.svd import Svd
from forget.progress import OnStep, silent
from forget.recognition.settings import UnlearningSettings
from forget.unlearning.contract import Method, Unlearned

__all__ = ["OLDER_NAMES", "study_method", "unlearn_people"]

OLDER_NAMES = {
    "orthogonal_projection": "project",
    "svd_update": "svd",
    "linear_combination": "subtract",
}


def study_method(keys: UnlearningSettings) -> tuple[str, Method]:
    """The method that settings ask for, as they set it, and its name today.

    Raises:
        ForgetError: No such method.
    """
    name = OLDER_NAMES.get(keys.method, keys.method)
    if name not in LINEAR_METHODS:
        known = ", ".join([*LINEAR_METHODS, *OLDER_NAMES])
        raise ForgetError(f"unlearning.method: one of {known}", keys.method, "Choose one.")
    method = LINEAR_METHODS[name]
    ranks: dict[type, int] = {Project: keys.orthogonal_projection.rank, Svd: keys.svd_update.rank}
    if type(method) in ranks:
        said: Any = method
        return name, replace(said, rank=ranks[type(method)])
    return name, method


def unlearn_people(
    model: LinearModel,
    faces: FaceDataset,
    people: Sequence[str],
    keys: UnlearningSettings,
    on_step: OnStep = silent,
) -> Unlearned:
    """Takes people out of a model by the method that settings ask for.

    Raises:
        ForgetError: No such method, or people whom it cannot take out.
    """
    _, method = study_method(keys)
    split = split_by_identity(faces).forgetting(people)
    return method(model, split, 0, on_step)
