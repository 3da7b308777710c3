"""Who else was hurt: everybody who stays, before and after, with care for many comparisons."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from forget.auditing.evidence import Evidence
from forget.auditing.subject import Subject
from forget.metrics.retrieval import unit
from forget.metrics.verdict import discoveries

__all__ = ["NEIGHBOURS", "collateral", "neighbours"]

NEIGHBOURS = 0.05  # share of those who stay that is most like the forgotten


def collateral(before: Subject, after: Subject, evidence: Evidence) -> pd.DataFrame:
    """One row for each person who stays and whom both models know.

    Columns: `person`; `photographs` held out; `named before`, `named after` rightly; `lost`,
    `won`; `similarity` to the nearest forgotten person (cosine of mean features, before);
    `neighbour`, among the most similar; `hurt`, whether more was lost than chance explains, at a
    false discovery rate of 5 % over all people (one-sided exact test of lost against won).
    """
    if before.answer is None or after.answer is None:
        return pd.DataFrame()
    similar = _similarity(before, evidence)
    rows = []
    for person in evidence.staying:
        indices = evidence.held_out(person)
        if not len(indices):
            continue
        images = evidence.images(indices)
        was, now = (
            np.array([who == person for who in one.answer(images).said()])  # type: ignore[misc]
            for one in (before, after)
        )
        lost, won = int((was & ~now).sum()), int((~was & now).sum())
        p = binomtest(lost, lost + won, alternative="greater").pvalue if lost + won else 1.0
        rows.append(
            {
                "person": person,
                "photographs": len(indices),
                "named before": int(was.sum()),
                "named after": int(now.sum()),
                "lost": lost,
                "won": won,
                "similarity": similar[person],
                "p": float(p),
            }
        )
    table = pd.DataFrame(rows)
    if len(table):
        table["neighbour"] = table["person"].isin(neighbours(similar))
        table["hurt"] = discoveries(table["p"].to_numpy())
    return table


def neighbours(similar: dict[str, float]) -> list[str]:
    """The twentieth part of people that is most similar to the forgotten, at least one."""
    count = max(round(NEIGHBOURS * len(similar)), 1)
    return sorted(similar, key=lambda person: -similar[person])[:count]


def _similarity(subject: Subject, evidence: Evidence) -> dict[str, float]:
    """How like each person who stays is to the nearest of the forgotten: cosine of means."""
    gone = np.stack([_mean(subject, evidence, person) for person in evidence.forgotten])
    return {
        person: float((unit(gone) @ unit(_mean(subject, evidence, person)[None])[0]).max())
        for person in evidence.staying
    }


def _mean(subject: Subject, evidence: Evidence, person: str) -> np.ndarray:
    return subject.embed(evidence.images(evidence.fitted(person))).mean(0)
