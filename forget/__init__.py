"""Takes people out of face recognition models, and proves it.

The names below are what other programs may rely on. They load on first use, so that
`import forget` costs nothing.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "FaceDataset": "forget.data.dataset",
    "ForgetError": "forget.errors",
    "LinearModel": "forget.linear.model",
    "audit": "forget.auditing.linear",
    "compare": "forget.comparison",
    "METHODS": "forget.methods.registry",
    "hygiene": "forget.data.twins.find",
    "linearize": "forget.pretrained",
    "load_faces": "forget.data.load",
    "load_feature_map": "forget.pretrained",
    "load_images": "forget.data.load",
    "load_model": "forget.pretrained",
    "prove": "forget.linear.proof",
    "refit": "forget.methods.refit",
    "register": "forget.methods.registry",
    "save_model": "forget.linear.archive",
    "unlearn": "forget.methods.registry",
    "without_store": "forget.linear.archive",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - names of lazily loaded objects


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _HOME:
        raise AttributeError(f"module 'forget' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
