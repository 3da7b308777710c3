"""Softmax over people with a margin, which turns a classifier into an embedder."""

from forget.models.margins.adaface import AdaFace
from forget.models.margins.arcface import ArcFace, Beyond
from forget.models.margins.combined import CombinedMargin
from forget.models.margins.cosface import CosFace
from forget.models.margins.head import MarginHead, Scored
from forget.models.margins.magface import MagFace, least_strength

__all__ = [
    "AdaFace",
    "ArcFace",
    "Beyond",
    "CombinedMargin",
    "CosFace",
    "MagFace",
    "MarginHead",
    "Scored",
    "least_strength",
]
