"""What all visitors share, loaded once and never changed: faces, models and their features."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from forget.data.dataset import FaceDataset
from forget.data.load import load_faces
from forget.data.split import Split, split_by_identity
from forget.linear.feature_map import FeatureMap
from forget.linear.grid import Rows
from forget.linear.model import LinearModel, all_rows
from forget.linearizations import LINEARIZATIONS, kind_of
from forget.pretrained import demo_feature_map, kept_feature_map, linearize
from forget.progress import OnStep, silent
from forget.ui.gallery import portrait

__all__ = ["FIRST", "Bundle", "bundle_of", "demo", "feature_map", "is_ready"]

_READY: set[str] = set()  # so that a page need not open files each time it is drawn
FIRST = "penultimate"  # how the faces are linearized until somebody chooses


@dataclass(frozen=True, eq=False)
class Bundle:
    """Faces, the model that knows them all, and what the pages draw again and again.

    Arguments:
        faces: The photographs.
        model: Fitted on everybody.
        rows: Features on the grid of all photographs, (n, d).
    """

    faces: FaceDataset
    model: LinearModel
    rows: Rows = field(repr=False)

    @cached_property
    def split(self) -> Split:
        """Which photographs are held out."""
        return split_by_identity(self.faces)

    @cached_property
    def titles(self) -> dict[str, str]:
        """What to call each person."""
        return {person: self.faces.title(person) for person in self.faces.identities}

    @cached_property
    def portraits(self) -> dict[str, str]:
        """A portrait of each person, as a data URL: the first photograph."""
        return {p: portrait(self.faces.images[self.faces.of(p)[0]]) for p in self.titles}

    @cached_property
    def features(self) -> NDArray[np.float64]:
        """Real features of all photographs, (n, d)."""
        return self.model.feature_map.grid.real(self.rows)

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """Places of the photographs on the map, (n, 2), by t-SNE."""
        from sklearn.manifold import TSNE

        perplexity = min(20.0, (len(self.rows) - 1) / 3)
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=0, metric="cosine")
        # A thousand short steps: threads only wait for each other, the more so on a busy machine.
        with threadpool_limits(1, user_api="openmp"):
            return tsne.fit_transform(self.features).astype(np.float64)


def bundle_of(faces: FaceDataset, feature_map: FeatureMap, on_step: OnStep = silent) -> Bundle:
    """Fits the model of a data set and warms what the first click needs."""
    rows = all_rows(feature_map, faces.images, on_step)
    model = linearize(feature_map, faces, kind=kind_of(feature_map), rows=rows)
    bundle = Bundle(faces, model, rows)
    _ = bundle.model.threshold, bundle.positions
    return bundle


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
    return bundle_of(load_faces("orl"), feature_map(kind))


def is_ready(kind: str) -> bool:
    """Whether a linearization takes seconds, or was trained before."""
    if kind not in _READY and (not LINEARIZATIONS[kind].wait or kept_feature_map(kind)):
        _READY.add(kind)
    return kind in _READY
