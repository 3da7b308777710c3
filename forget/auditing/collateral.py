"""Who else was hurt: everybody who stays, before and after, with care for many comparisons."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from forget.auditing.evidence import Evidence
from forget.auditing.subject import Subject
from forget.metrics.retrieval import unit
from forget.metrics.verdict import discoveries

__all__ = ["NEIGHBOURS", "collateral", "deciles", "hurt_by", "in_words", "neighbours"]

NEIGHBOURS = 0.05  # share of those who stay that is most like the forgotten
RATE = 0.05  # of false discoveries


def collateral(before: Subject, after: Subject, evidence: Evidence) -> pd.DataFrame:
    """One row for each person who stays and whom both models know.

    Columns: `person`; `photographs` held out; `named before`, `named after` rightly; `lost`,
    `won`; `similarity` to the nearest forgotten person (cosine of mean features, before);
    `neighbour`, among the most similar; `hurt`, whether more was lost than chance explains, at a
    false discovery rate of 5 % over all people (one-sided exact test of lost against won);
    `enough`, whether losing every photograph that was named would show as that at all, which takes
    five of them.
    """
    if before.answer is None or after.answer is None:
        return pd.DataFrame()
    similar = _similarity(before, evidence)
    known, rows = _known(before, evidence) & _known(after, evidence), []
    for person in evidence.staying:
        indices = evidence.held_out(person)
        if not len(indices) or person not in known:
            continue
        images = evidence.images(indices)
        was, now = (
            np.array([who == person for who in one.answer(images).said()])  # type: ignore[misc]
            for one in (before, after)
        )
        lost, won = int((was & ~now).sum()), int((~was & now).sum())
        rows.append(
            {
                "person": person,
                "photographs": len(indices),
                "named before": int(was.sum()),
                "named after": int(now.sum()),
                "lost": lost,
                "won": won,
                "similarity": similar[person],
                "p": _chance(lost, won),
            }
        )
    table = pd.DataFrame(rows)
    if len(table):
        table["neighbour"] = table["person"].isin(neighbours(similar))
        table["hurt"] = discoveries(table["p"].to_numpy(), RATE)
        table["enough"] = 0.5 ** table["named before"] <= RATE
    return table


def in_words(table: pd.DataFrame) -> str:
    """What `collateral` found, in sentences; empty where it asked nobody.

    A few photographs of a person show nothing however many are lost, so all are counted together.
    """
    if not len(table):
        return ""
    whole = hurt_by(table, ["everybody"] * len(table)).iloc[0]
    lost, won = int(whole["lost"]), int(whole["won"])
    chance = "more lost than chance explains" if whole["hurt"] else "which chance explains"
    said = (
        f"Of {int(whole['photographs'])} held-out photographs of {_people(len(table))} who stay, "
        f"{int(whole['named before'])} were named rightly before and {int(whole['named after'])} "
        "after: " + (f"{lost} lost, {won} won, {chance}." if lost + won else "the same ones.")
    )
    asked = int(table["enough"].sum())
    if asked:
        said += f" {int(table['hurt'].sum())} of {_people(asked)} lost more than chance explains."
    if few := len(table) - asked:
        have = "has" if few == 1 else "have"
        said += f" {_people(few)} {have} too few photographs to say so of each alone."
    return said


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def hurt_by(table: pd.DataFrame, groups: Sequence[object]) -> pd.DataFrame:
    """The same for groups of people, such as age classes or deciles of likeness.

    Arguments:
        table: What `collateral` gives.
        groups: The group of each row.

    Returns:
        A row per group, in order: `group`, `people`, `photographs`, `named before`, `named
        after`, `lost`, `won`, `p`, `hurt`, at a false discovery rate of 5 % over the groups.
    """
    counts = ["photographs", "named before", "named after", "lost", "won"]
    grouped = table.assign(group=list(groups), people=1).groupby("group", sort=True)
    found = grouped[["people", *counts]].sum().reset_index()
    found["p"] = [
        _chance(lost, won) for lost, won in found[["lost", "won"]].itertuples(index=False)
    ]
    found["hurt"] = discoveries(found["p"].to_numpy())
    return found


def deciles(table: pd.DataFrame) -> pd.DataFrame:
    """`hurt_by` tenth parts of those who stay: 10 are the people most like the forgotten."""
    ranks = table["similarity"].rank(method="first")
    return hurt_by(table, np.ceil(10 * ranks / len(table)).astype(int).tolist())


def neighbours(similar: dict[str, float]) -> list[str]:
    """The twentieth part of people that is most similar to the forgotten, at least one."""
    count = max(round(NEIGHBOURS * len(similar)), 1)
    return sorted(similar, key=lambda person: -similar[person])[:count]


def _known(subject: Subject, evidence: Evidence) -> set[str]:
    """Everybody whom a model can name."""
    one = evidence.faces.images[:1]
    return set() if subject.answer is None else set(subject.answer(one).classes)


def _chance(lost: int, won: int) -> float:
    """How likely so many or more of the changes are losses, if each is as likely a win."""
    if not lost + won:
        return 1.0
    return float(binomtest(int(lost), int(lost + won), alternative="greater").pvalue)


def _similarity(subject: Subject, evidence: Evidence) -> dict[str, float]:
    """How like each person who stays is to the nearest of the forgotten: cosine of means."""
    gone = np.stack([_mean(subject, evidence, person) for person in evidence.forgotten])
    return {
        person: float((unit(gone) @ unit(_mean(subject, evidence, person)[None])[0]).max())
        for person in evidence.staying
    }


def _mean(subject: Subject, evidence: Evidence, person: str) -> np.ndarray:
    return subject.embed(evidence.images(evidence.fitted(person))).mean(0)
