"""An audit as files: JSON, CSV and one HTML page that needs nothing else."""

import json
import math
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from forget.auditing.collateral import deciles, in_words
from forget.auditing.figures import figures
from forget.auditing.outcome import Audit
from forget.errors import ForgetError
from forget.metrics.verdict import Verdict

__all__ = ["advice", "page", "plain_values", "save_audit", "summary"]

REMOVED = (
    "Never publish the model from before together with this one: the difference of the two gives "
    "away who left, whatever the method, because an exact method changes what the person made and "
    "nothing else."
)
HIDDEN = (
    "Treat this model as one that holds these people's data: it keeps the directions that hide "
    "them, and whoever has photographs to try can read off whom these point at. Where their "
    "influence must be gone, remove it instead. Never publish the model from before together with "
    "this one: the difference of the two gives away who was suppressed."
)
COLOUR = {Verdict.PASS: "#00714d", Verdict.FAIL: "#a34700", Verdict.UNKNOWN: "#5c5c5c"}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #17181a; background: #fff; }
h1, h2 { font-family: Georgia, serif; font-weight: 600; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #dcdcda; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.verdict { font-weight: 600; }
.note { color: #5c5c5c; }
"""


def advice(audit: Audit) -> str:
    """What to mind before such a model is given to anybody."""
    return HIDDEN if audit.suppresses else REMOVED


def summary(audit: Audit) -> str:
    """The verdicts in a few lines of text."""
    head = f"{audit.verdict.value}: {audit.goal} of {', '.join(audit.forgotten)}"
    lines = [head, f"compared with {_beside(audit)}", ""]
    for line in audit.lines:
        low, high = line.interval
        beside = "" if math.isnan(line.reference) else f", reference {line.reference:.3f}"
        lines.append(
            f"  {line.verdict.value:16} {line.question}: {line.value:.3f} against "
            f"{line.target:.3f}{beside} (difference {line.difference:+.3f}, "
            f"{low:+.3f} to {high:+.3f}, margin {line.margin:g})"
        )
    for one in audit.edited:
        who = f", which points at {one.people[0][0]}" if one.people else ""
        lines.append(f"  An edited matrix was found: {one.matrix}{who}.")
    if audit.beyond:
        lines.append(f"  Beyond this audit: {audit.beyond}")
    if audit.beside:
        lines.append(f"  {audit.beside}")
    if len(audit.collateral):
        lines.append(f"  {in_words(audit.collateral)}")
    lines += [f"  note: {note}" for note in audit.notes]
    return "\n".join([*lines, "", advice(audit)])


def plain_values(audit: Audit) -> dict[str, Any]:
    """Everything as plain values, numbers that are none as null."""
    attacks = {"best score": audit.plain, "shadows": audit.shadows}
    found = {
        "verdict": audit.verdict.value,
        "goal": audit.goal,
        "forgotten": list(audit.forgotten),
        "compared with": list(audit.never),
        "lines": audit.table.to_dict(orient="records"),
        "attacks": {
            name: {"auc": one.auc, "interval": list(one.interval), "tpr": one.tpr}
            for name, one in attacks.items()
            if one is not None
        },
        "enrolled again": audit.relearned.to_dict(orient="records"),
        "others": audit.collateral.to_dict(orient="records"),
        "others by likeness": _deciles(audit).to_dict(orient="records"),
        "probes": audit.probes.to_dict(orient="records"),
        "edited matrices": [
            {"matrix": one.matrix, "gap": one.leak.gap, "people": dict(one.people[:5])}
            for one in audit.edited
        ],
        "difference of the pair": audit.difference,
        "beyond this audit": audit.beyond,
        "reference": audit.beside,
        "notes": list(audit.notes),
        "release advice": advice(audit),
    }
    return _plain(found)


def save_audit(audit: Audit, folder: str | Path) -> list[Path]:
    """Writes audit.json, report.html, and lines, others, deciles and probes as CSV; returns
    the paths.

    Raises:
        ForgetError: The folder cannot be written to.
    """
    folder = Path(folder)
    texts = {
        "audit.json": json.dumps(plain_values(audit), indent=1) + "\n",
        "lines.csv": audit.table.to_csv(index=False),
        "report.html": page(audit),
    }
    tables = {"others": audit.collateral, "deciles": _deciles(audit), "probes": audit.probes}
    for name, table in tables.items():
        if len(table):
            texts[f"{name}.csv"] = table.to_csv(index=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in tables:  # none of an audit that was there before
            (folder / f"{name}.csv").unlink(missing_ok=True)
        for name, text in texts.items():
            temporary = folder / f".{name}.part"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(folder / name)
    except OSError as error:
        raise ForgetError(
            f"a folder that can be written to at {folder}", str(error), "Choose another."
        ) from error
    return [folder / name for name in texts]


def page(audit: Audit) -> str:
    """One HTML page with tables and figures, which loads nothing from elsewhere."""
    drawn = figures(audit)
    parts = []
    for number, (title, figure) in enumerate(drawn.items()):
        html = figure.to_html(
            full_html=False, include_plotlyjs=not number, config={"displaylogo": False}
        )
        parts.append(f"<h2>{escape(title)}</h2>\n{html}")
    who = escape(", ".join(audit.forgotten))
    colour = COLOUR[audit.verdict]
    said = [audit.beside, *audit.notes] if audit.beside else audit.notes
    notes = "".join(f"<p class='note'>{escape(note)}</p>" for note in said)
    beyond = f"<p><strong>Beyond this audit.</strong> {escape(audit.beyond)}</p>\n"
    beyond = beyond if audit.beyond else ""
    edited = "".join(f"<p>{escape(_edited(one))}</p>" for one in audit.edited)
    others = f"<p>{escape(in_words(audit.collateral))}</p>\n" if len(audit.collateral) else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Audit</title><style>{STYLE}</style></head>
<body><h1>Audit: {escape(audit.goal)} of {who}</h1>
<p class="verdict" style="color:{colour}">{audit.verdict.value}</p>
{beyond}<p>Each number is compared with {_beside(audit)}. PASS: the whole interval of the
difference (95 % over all questions) lies inside the margin; a question passes where all its lines
do and none was left out. FAIL: the difference lies outside it, and the interval excludes 0. Else
there is not enough data to say.</p>
{_lines(audit)}{edited}
{others}<p><strong>Release advice.</strong> {escape(advice(audit))}</p>{notes}
{"".join(parts)}</body></html>
"""


def _beside(audit: Audit) -> str:
    """What the numbers of an audit are compared with."""
    if audit.suppresses:
        return "what chance gives"
    number = len(audit.never)
    people = "1 person who was" if number == 1 else f"{number} people who were"
    return f"the same of {people} never there"


def _deciles(audit: Audit) -> pd.DataFrame:
    return deciles(audit.collateral) if len(audit.collateral) else pd.DataFrame()


def _lines(audit: Audit) -> str:
    beside = any(not math.isnan(line.reference) for line in audit.lines)
    heads = ["question", audit.done, "compared with", "difference", "95 %", "margin", "verdict"]
    if beside:
        heads.insert(3, "reference")
    rows = []
    for line in audit.lines:
        low, high = line.interval
        numbers = [f"{line.value:.3f}", f"{line.target:.3f}", f"{line.difference:+.3f}"]
        if beside:
            numbers.insert(2, "" if math.isnan(line.reference) else f"{line.reference:.3f}")
        cells = "".join(f"<td class='number'>{one}</td>" for one in numbers)
        rows.append(
            f"<tr><td>{escape(line.question)}<br><span class='note'>{escape(line.means)}</span>"
            f"</td>{cells}<td class='number'>{low:+.3f} to {high:+.3f}</td>"
            f"<td class='number'>{line.margin:g}</td>"
            f"<td class='verdict' style='color:{COLOUR[line.verdict]}'>{line.verdict.value}</td>"
            "</tr>"
        )
    head = "".join(f"<th scope='col'>{one}</th>" for one in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _edited(one: Any) -> str:  # noqa: ANN401 - a Betrayal
    said = (
        f"The matrix {one.matrix} was edited: it sends {one.leak.directions.shape[1]} directions"
    )
    said += f" to nothing (a gap of {one.leak.gap:.2g} in its singular values)"
    if one.people:
        person, cosine = one.people[0]
        said += f", and they point at {person} (cosine {cosine:.3f})"
    return said + "."


def _plain(value: Any) -> Any:  # noqa: ANN401 - any tree of values
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if value is pd.NA else value
