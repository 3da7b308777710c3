"""The table of a comparison, and what its columns mean."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from forget.charts.series import method_title, unseen_title
from forget.ui.compare import Result
from forget.ui.explain import explain_numbers

__all__ = ["draw_table"]

COLUMNS = {  # what "unseen" is called depends on what was forgotten
    "gap": "gap",
    "forget": "to forget",
    "retain": "to keep",
    "test": "held out",
    "unseen": "",
    "mia": "MIA",
    "nomus": "NoMUS",
    "tow": "ToW",
    "agreement forget": "agreement",
}
WORDS = """
**Gap**: how far the accuracies are from those of the network that was trained again without, the
mean over the sets of images in the table. 0 is equal on every set.

**To forget, to keep, held out**: the share of these images that is named rightly. Held-out
images are ones that no network was trained on.

**ToW**, tug of war: 1 minus the gap, for the images to forget, to keep and held out, multiplied.
1 is equal to the network trained again; one large gap alone brings it near 0.

**Agreement**: the share of the images to forget that a method and the network trained again give
the same answer, right or wrong.

**Of retraining**: the time as a share of the time that training again takes.

**Promise**: what is proved. *Exact*: equal, bit for bit, to the model made without what is
forgotten. *Certified*: hard to tell from it, within a stated limit. *Approximate*: near, but
measured and not proved. *None*: the answers changed, and what was learned may still be there.

**Covers**: what the promise is about. *Model*: all of it. *Readout*: the last layer alone; the
network below it was trained on what is forgotten, and stays as it is.
"""


def draw_table(result: Result) -> None:
    """Draws the rows, a download of them, and what their columns mean."""
    summary = result.comparison.summary
    several, share = result.choice.seeds > 1, st.column_config.NumberColumn(format="%.3f")
    shown = pd.DataFrame({"method": [method_title(one) for one in summary["method"]]})
    for name, usual in COLUMNS.items():
        if name in summary and summary[name].notna().any():
            title = usual or unseen_title(result.choice.forget)
            shown[title] = summary[name]
            if several:
                shown[f"{title} ±"] = summary[f"± {name}"]
    shares = dict.fromkeys(shown.columns[1:], share)
    forgets = summary["method"] != "original"  # which does nothing, in no time worth telling
    shown["seconds"] = summary["seconds"].where(forgets)
    shown["of retraining"] = summary["share of retraining"].where(forgets)
    shown["promise"] = summary["guarantee"]
    shown["covers"] = summary["scope"]
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="—",
        column_config=shares
        | {
            "seconds": st.column_config.NumberColumn(format="%.4g"),
            "of retraining": st.column_config.NumberColumn(format="%.2g"),
        },
    )
    refits = result.comparison.table["gap to the refit"].dropna()
    said = (
        "Click a heading to sort. Shares go from 0 to 1; what the columns mean is explained below."
    )
    if several:
        said += (
            " All seeds forget from one network: ± says how much the draws of forgetting matter, "
            "nothing of other trainings."
        )
    if len(refits):
        said += (
            f" Subtraction differs from its own refit by {refits.max():g}; its gap in the table "
            "is to the reference, like everybody's."
        )
    st.caption(said)
    with st.expander("What the columns mean", key="compare_columns"):
        st.markdown(_meaning(result.choice.forget))
    if "MIA" in shown:
        explain_numbers("compare_explained")
    st.download_button(
        "Download rows",
        result.comparison.table.to_csv(index=False),
        "comparison.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _meaning(classes: Sequence[str]) -> str:
    """Every column of the table in plain words."""
    unseen = unseen_title(classes)
    about = (
        "other images of what is forgotten, which no network was trained on. The network trained "
        "on everything may well get them right: it learned from images of the same kind."
        if classes
        else "images of people whom no network was trained on."
    )
    return WORDS + f"\n**{unseen.capitalize()}**: {about}"
