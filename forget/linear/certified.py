r"""Logistic heads that forget with a certificate: Newton step, bound, noise and budget.

One head for each class against the rest, each the minimiser of

.. math:: L_b(w; D) = \sum_{i \in D} \log(1 + e^{-y_i w^T x_i})
          + \frac{\lambda |D|}{2} |w|^2 + b^T w

with rows of norm at most 1 and Gaussian noise b. Removing rows F takes one Newton step on what
stays, R; the gradient that is left there bounds what the removal cannot hide.

References:
    | Certified Data Removal from Machine Learning Models (Guo et al., 2020)
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, eigvalsh
from scipy.special import expit

from forget.errors import StatisticsError
from forget.runtime import one_blas_thread

__all__ = ["GAMMA", "Ledger", "LogisticHeads", "fit_heads"]

Reals = NDArray[np.float64]
GAMMA = 1 / (6 * math.sqrt(3))  # how fast the logistic loss's second derivative changes, at most
ROUNDS = 50
ENOUGH = 1e-10  # length of a gradient, of a sum of as many rows, at which a fit ends


@dataclass(frozen=True)
class Ledger:
    r"""What deletions have spent of a noise's budget; a value, replaced by each deletion.

    .. math:: \sum_t r_t \le \sigma \epsilon / c, \quad c = \sqrt{2 \ln(1.5 / \delta)}

    Residuals of several deletions add up. Beyond the budget the certificate no longer holds, and
    the heads must be fitted again, with new noise.

    Arguments:
        epsilon: Of the certificate.
        delta: Of the certificate.
        sigma: Standard deviation of the noise.
        spent: Sum of the residuals so far.
        deletions: How many there were.
    """

    epsilon: float
    delta: float
    sigma: float
    spent: float = 0.0
    deletions: int = 0

    def __post_init__(self) -> None:
        if not (self.epsilon > 0 and 0 < self.delta < 1 and self.sigma > 0):
            raise StatisticsError(
                "epsilon and sigma above 0, delta between 0 and 1",
                f"epsilon {self.epsilon}, delta {self.delta}, sigma {self.sigma}",
                "1, 1e-4 and 1 are usual.",
            )

    @property
    def budget(self) -> float:
        """Sum of residuals that the noise hides."""
        return self.sigma * self.epsilon / math.sqrt(2 * math.log(1.5 / self.delta))

    @property
    def holds(self) -> bool:
        """Whether the certificate still holds."""
        return self.spent <= self.budget

    def after(self, residual: float) -> "Ledger":
        """The ledger after one more deletion."""
        return replace(self, spent=self.spent + residual, deletions=self.deletions + 1)


@dataclass(frozen=True, eq=False)
class LogisticHeads:
    """One-against-rest logistic heads and the noise that they were fitted with.

    Arguments:
        weights: (d, c).
        noise: b, (d, c).
        ridge: lambda, for each row.
        ledger: What deletions have spent.
    """

    weights: Reals = field(repr=False)
    noise: Reals = field(repr=False)
    ridge: float
    ledger: Ledger

    def scores(self, rows: Reals) -> Reals:
        """Log-odds (n, c) of rows (n, d)."""
        with one_blas_thread():
            return rows @ self.weights

    def gradient(self, rows: Reals, signs: Reals) -> Reals:
        """Gradient (d, c) of the objective over rows (n, d) with signs (n, c)."""
        return _gradient(self.weights, self.noise, self.ridge, rows, signs)

    def remove(self, rows: Reals, signs: Reals, kept: Reals) -> "LogisticHeads":
        r"""One Newton step per head towards the minimiser without some rows.

        .. math:: w^- = w + \delta, \quad
                  \delta = H_R^{-1} \left( \lambda m w + \sum_F \nabla \ell_i \right)

        The gradient at w^- is at most as long as it was before plus the Taylor remainder

        .. math:: \frac{\gamma}{2} |X_R|_2 \, | (X_R \delta)^{\circ 2} |_2

        which the ledger takes. The bound depends on the data, is taken at the noise that was
        drawn, and covers these heads alone.

        Arguments:
            rows: What leaves, (m, d), of norm at most 1.
            signs: 1 for the class of a row, -1 elsewhere, (m, c).
            kept: What stays, (n, d).

        Raises:
            StatisticsError: Nothing stays.
        """
        if not len(kept):
            raise StatisticsError("rows that stay", "none", "Fit new heads instead.")
        steps = np.zeros_like(self.weights)
        pull = _gradient(self.weights, 0 * self.noise, self.ridge, rows, signs)
        for column in range(self.weights.shape[1]):
            factor = cho_factor(_hessian(self.weights[:, column], self.ridge, kept))
            steps[:, column] = cho_solve(factor, pull[:, column])
        with one_blas_thread():
            spread = np.sqrt(eigvalsh(kept.T @ kept)[-1])  # the largest singular value
            remainder = np.linalg.norm((kept @ steps) ** 2, axis=0) * spread * GAMMA / 2
        residual = float(np.linalg.norm(remainder))
        moved = self.weights + steps
        return replace(self, weights=moved, ledger=self.ledger.after(residual))


def fit_heads(
    rows: Reals, signs: Reals, ridge: float, ledger: Ledger, seed: int = 0
) -> LogisticHeads:
    """Fits heads with fresh noise, by Newton's method.

    Arguments:
        rows: (n, d), of norm at most 1.
        signs: 1 for the class of a row, -1 elsewhere, (n, c).
        ridge: lambda, for each row.
        ledger: Nothing spent yet; what the fit leaves of the gradient is entered.
        seed: Of the noise.

    Raises:
        StatisticsError: Rows longer than 1, a ridge that is not above 0, or no convergence.
    """
    if not len(rows) or np.linalg.norm(rows, axis=1).max() > 1 + 1e-6 or not ridge > 0:
        longest = np.linalg.norm(rows, axis=1).max() if len(rows) else 0.0
        raise StatisticsError(
            "rows of norm at most 1 and a ridge above 0",
            f"{len(rows)} rows of norm up to {longest:.3g}, ridge {ridge}",
            "Scale the rows.",
        )
    shape = (rows.shape[1], signs.shape[1])
    noise = np.random.default_rng(seed).normal(scale=ledger.sigma, size=shape)
    weights = np.zeros(shape)
    for column in range(shape[1]):
        args = (noise[:, [column]], ridge, rows, signs[:, [column]])
        weights[:, [column]] = _minimised(*args)
    heads = LogisticHeads(weights, noise, ridge, ledger)
    left = float(np.linalg.norm(heads.gradient(rows, signs)))
    return replace(heads, ledger=replace(ledger, spent=ledger.spent + left))


def _minimised(noise: Reals, ridge: float, rows: Reals, signs: Reals) -> Reals:
    weights = np.zeros_like(noise)
    value = _value(weights, noise, ridge, rows, signs)
    for _ in range(ROUNDS):
        gradient = _gradient(weights, noise, ridge, rows, signs)
        if np.linalg.norm(gradient) <= ENOUGH * len(rows):
            return weights
        factor = cho_factor(_hessian(weights[:, 0], ridge, rows))
        step, length = -cho_solve(factor, gradient), 1.0
        while (
            length > 1e-10
        ):  # halved until the objective falls, as Newton's method needs at first
            moved = weights + length * step
            found = _value(moved, noise, ridge, rows, signs)
            if found <= value or np.isclose(found, value, rtol=1e-14):
                break
            length /= 2
        weights, value = moved, found
    raise StatisticsError(
        f"a fit within {ROUNDS} Newton steps",
        f"a gradient of length {np.linalg.norm(gradient):.3g}",
        "Take a larger ridge, or less noise.",
    )


def _value(weights: Reals, noise: Reals, ridge: float, rows: Reals, signs: Reals) -> float:
    loss = np.logaddexp(0, -signs * (rows @ weights)).sum()
    return float(loss + ridge * len(rows) / 2 * (weights**2).sum() + (noise * weights).sum())


def _gradient(weights: Reals, noise: Reals, ridge: float, rows: Reals, signs: Reals) -> Reals:
    pulls = -signs * expit(-signs * (rows @ weights))
    return rows.T @ pulls + ridge * len(rows) * weights + noise


def _hessian(weights: Reals, ridge: float, rows: Reals) -> Reals:
    p = expit(rows @ weights)
    bent = rows.T @ (rows * (p * (1 - p))[:, None])
    return bent + ridge * len(rows) * np.eye(rows.shape[1])
