"""What all visitors share, loaded once and never changed: faces, models and their features."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from forget.data.dataset import FaceDataset
from forget.data.load import load_faces
from forget.data.split import Split, split_by_identity
from forget.data.twins.find import SIMILARITY, hygiene
from forget.data.twins.report import Hygiene
from forget.data.twins.shared import SharedPictures, people_shown_in
from forget.linear.erasing.capacity import Capacity, capacity
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Rows
from forget.linear.model import LinearModel, all_rows
from forget.linearizations import LINEARIZATIONS, kind_of
from forget.metrics.recognition import recognise
from forget.pretrained import demo_feature_map, kept_feature_map, linearize
from forget.progress import OnStep, silent
from forget.ui.gallery import portrait
from forget.ui.places import Places, places_of
from forget.unlearning.erasing import ridge_of

__all__ = ["FIRST", "Bundle", "Source", "bundle_of", "demo", "feature_map", "is_ready"]

Source = Literal["orl", "mufac", "own"]

MANY = 1000  # photographs, beyond which looking for similar ones takes too long for a page
_READY: set[str] = set()  # so that a page need not open files each time it is drawn
FIRST = "penultimate"  # how the faces are linearized until somebody chooses


@dataclass(frozen=True, eq=False)
class Bundle:
    """Faces, the model that knows them all, and what the pages draw again and again.

    Arguments:
        faces: The photographs.
        model: Fitted on everybody.
        rows: Features on the grid of all photographs, (n, d).
        source: Where the photographs come from.
    """

    faces: FaceDataset
    model: LinearModel
    rows: Rows = field(repr=False)
    source: Source = "own"
    _portraits: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def split(self) -> Split:
        """Which photographs are held out."""
        return split_by_identity(self.faces)

    @cached_property
    def titles(self) -> dict[str, str]:
        """What to call each person."""
        return {person: self.faces.title(person) for person in self.faces.identities}

    def portrait(self, person: str) -> str:
        """The first photograph of a person as a data URL, made when it is first asked for."""
        if person not in self._portraits:
            image = self.faces.images[self.faces.of(person)[0]]
            self._portraits[person] = portrait(image)
        return self._portraits[person]

    @cached_property
    def features(self) -> NDArray[np.float64]:
        """Real features of all photographs, (n, d)."""
        return self.model.feature_map.grid.real(self.rows)

    @cached_property
    def places(self) -> Places:
        """The map of faces."""
        return places_of(self.features, self.faces.labels)

    @cached_property
    def identified(self) -> tuple[float, int]:
        """How many of the added people's held-out photographs are identified, and of how many."""
        indices = self.split.test_of(self.faces.added)
        labels = [self.faces.labels[i] for i in indices]
        scores, model = self.model.score(self.rows[indices]), self.model
        return recognise(scores, model.classes, labels, model.threshold).identified, len(labels)

    @cached_property
    def room(self) -> Capacity:
        """How many people can be suppressed before others suffer, by estimate."""
        return capacity(self.model.statistics, ridge=ridge_of(self.model))

    @cached_property
    def hygiene(self) -> Hygiene:
        """Twins among the photographs; of many, only pictures that are the same to the byte."""
        many = len(self.faces.images) > MANY
        return hygiene(self.faces, similarity=None if many else SIMILARITY)

    @cached_property
    def shared(self) -> SharedPictures:
        """Whose pictures are, nearly, also somebody else's, or trained the network."""
        found = SharedPictures.of(self.hygiene, self.faces.core)
        if self.source != "own":
            return found
        orl = load_faces("orl")  # whose core taught the network
        known = people_shown_in(self.faces, orl.only(orl.core))
        return replace(found, trained=found.trained | known)

    def warm(self) -> "Bundle":
        """Computes what the first click needs; returns the bundle."""
        _ = self.model.threshold, self.places
        return self


def bundle_of(
    faces: FaceDataset,
    feature_map: FeatureMap,
    on_step: OnStep = silent,
    source: Source = "own",
) -> Bundle:
    """Fits the model of a data set and warms what the first click needs."""
    rows = all_rows(feature_map, faces.images, on_step)
    model = linearize(feature_map, faces, kind=kind_of(feature_map), rows=rows)
    return Bundle(faces, model, rows, source).warm()


@st.cache_resource(max_entries=len(LINEARIZATIONS), show_spinner=False)
def feature_map(kind: str) -> FeatureMap:
    """The demo embedder, linearized in some way."""
    return demo_feature_map(kind)


@st.cache_resource(
    max_entries=len(LINEARIZATIONS),
    show_spinner="Loading forty people and the model that knows them",
)
def demo(kind: str) -> Bundle:
    """The ORL faces and their model."""
    return bundle_of(load_faces("orl"), feature_map(kind), source="orl")


def is_ready(kind: str) -> bool:
    """Whether a linearization takes seconds, or was trained before."""
    if kind not in _READY and (not LINEARIZATIONS[kind].wait or kept_feature_map(kind)):
        _READY.add(kind)
    return kind in _READY
