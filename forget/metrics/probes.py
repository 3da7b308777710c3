"""Whether a person can still be told from everybody else inside a network."""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from forget.errors import ForgetError

__all__ = ["PROBES", "probe"]

FOLDS = 5
DIRECTIONS = 20  # of a quadratic probe, whose numbers are their products

PROBES: dict[str, Callable[[int], object]] = {
    "linear": lambda n: make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=200)
    ),
    "nearest": lambda n: make_pipeline(
        StandardScaler(), KNeighborsClassifier(min(5, n), weights="distance")
    ),
    "quadratic": lambda n: make_pipeline(
        StandardScaler(),
        PCA(min(DIRECTIONS, n), random_state=0),
        PolynomialFeatures(2, include_bias=False),
        StandardScaler(),
        LogisticRegression(C=0.01, class_weight="balanced", max_iter=200),
    ),
}


def probe(
    kind: str,
    theirs: NDArray[np.floating],
    others: NDArray[np.floating],
    seed: int = 0,
) -> float:
    """AUC, in [0, 1], of a classifier that learned to tell somebody's features from others'.

    Cross-validated, each photograph judged by a classifier that did not see it. Anybody can be
    told apart to some degree: read it against the same probe for people who were never there.

    Arguments:
        kind: "linear", "nearest" or "quadratic".
        theirs: Features of one person, (n, d), at least 2.
        others: Features of others, (m, d), at least 2.
        seed: Of the folds.

    Raises:
        ForgetError: No such probe, or too few photographs.
    """
    if kind not in PROBES or min(len(theirs), len(others)) < 2:
        raise ForgetError(
            f"a probe of {', '.join(PROBES)}, and 2 photographs on each side",
            f"{kind!r}, {len(theirs)} and {len(others)}",
            "Take more photographs.",
        )
    x = np.concatenate([theirs, others]).astype(np.float64)
    y = np.repeat([1, 0], [len(theirs), len(others)])
    folds = StratifiedKFold(min(FOLDS, len(theirs), len(others)), shuffle=True, random_state=seed)
    fewest = len(x) - -(-len(x) // folds.get_n_splits())
    model = PROBES[kind](min(fewest, x.shape[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        said = cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(y, said))
