"""The list of runs: newest first, one or two of them chosen."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from forget.charts.series import DATASETS
from forget.runs.run import Status
from forget.ui.parts import plain
from forget.ui.run_facts import REFERENCE, Facts, Number, title_of

__all__ = ["CHOSEN", "choose", "commands", "nothing_yet", "runs_table", "told"]

CHOSEN = "experiments_chosen"
# Words with a sign: cells of a table show no icons.
STATES = {
    Status.FINISHED: "✓ finished",
    Status.RUNNING: "▸ running",
    Status.UNFINISHED: "○ unfinished",
}
SHARES = ("Test before", "Test now", "Test retrained", "Forgot", "MIA", "MIA retrained")
# From the shortest to the longest; what they are about, and what is typed.
COMMANDS = {
    "digits": ("small handwritten digits, no download", ("python unlearn_mnist.py --offline",)),
    "mnist": (
        "handwritten digits, of which classes are forgotten (3 minutes on 2 slow cores)",
        ("python -m forget download mnist", "python unlearn_mnist.py"),
    ),
    "cifar10": (
        "ten kinds of small colour photographs, of which classes are forgotten (45 minutes for "
        "15,000 images on 2 slow cores)",
        ("python -m forget download cifar10", "python unlearn_cifar.py"),
    ),
    "mufac": (
        "faces in age classes, of which people are forgotten (hours on 2 slow cores)",
        ("python -m forget download mufac", "python unlearn_mufac.py"),
    ),
}


def told(problems: Sequence[str]) -> None:
    """Says which folders could not be read, and why."""
    if problems:
        lines = "\n".join(f"- {plain(line)}" for line in problems[:10])
        more = f"\n- and {len(problems) - 10} more" if len(problems) > 10 else ""
        st.error(f"Left out, unreadable:\n{lines}{more}", icon=":material/error:")


def nothing_yet() -> None:
    """What the page is for, and how to get something onto it."""
    st.markdown(
        "No runs yet. A run trains a network, lets it forget a class or some people, trains it "
        "again from the start without them as the reference, and measures how far the one is from "
        "the other. It appears here as soon as it has begun. Start one in a terminal, in the "
        "folder of this app:"
    )
    commands()


def commands() -> None:
    """Draws what to type in a terminal to start a run, for each data set."""
    for dataset, (about, lines) in COMMANDS.items():
        st.markdown(f"**{DATASETS[dataset]}**: {about}")
        st.code("\n".join(lines), language=None)
    st.caption(
        "From the shortest to the longest. A run that is interrupted can be resumed: it stays in "
        "the list, with the command."
    )


def runs_table(listed: Sequence[Facts]) -> None:
    """Draws all runs with their most important numbers, those of their first method."""
    rows = [_row(facts) for facts in listed]
    percent = st.column_config.NumberColumn(format="%.1f%%")
    st.dataframe(
        pd.DataFrame(rows),
        key="experiments_runs",
        hide_index=True,
        placeholder="—",
        column_config={
            **dict.fromkeys(SHARES, percent),
            "Started": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
            "NoMUS": st.column_config.NumberColumn(format="%.3f"),
        },
        alt=f"{len(rows)} runs, newest first, with state, accuracies, MIA and NoMUS",
    )
    st.caption(
        "Test: accuracy on held-out images, before unlearning, after, and of the model retrained "
        "without those to forget. Forgot: accuracy on those to forget, after. Means over seeds; "
        "of several methods, the first."
    )


def choose(listed: Sequence[Facts]) -> list[Facts]:
    """Lets the visitor choose one or two runs; the newest is chosen at first."""
    by_key = {facts.key: facts for facts in listed}
    wanted = st.session_state.get(CHOSEN, [listed[0].key])
    st.session_state[CHOSEN] = [key for key in wanted if key in by_key]  # a folder may be gone
    keys = st.multiselect(
        "Show one run, or two side by side",
        list(by_key),
        format_func=lambda key: by_key[key].label,
        key=CHOSEN,
        max_selections=2,
        select_all=False,
        placeholder="Choose a run",
        persist_state="session",
    )
    return [by_key[key] for key in keys]


def _row(facts: Facts) -> dict[str, object]:
    method = facts.methods[0] if facts.methods else ""
    more = f" + {len(facts.methods) - 1}" if len(facts.methods) > 1 else ""

    nomus = facts.at_end(method, "", "nomus")
    numbers = (
        facts.before("test"),
        facts.at_end(method, "test"),
        facts.at_end(REFERENCE, "test"),
        facts.at_end(method, "forget"),
        facts.at_end(method, "", "mia"),
        facts.at_end(REFERENCE, "", "mia"),
    )
    return {
        "Started": facts.began,
        "State": STATES[facts.status],
        "Run": f"{DATASETS.get(facts.dataset, facts.dataset)}, {facts.what}",
        "Method": f"{title_of(method)}{more}" if method else None,
        **dict(zip(SHARES, map(_percent, numbers), strict=True)),
        "NoMUS": nomus.mean if nomus else None,
    }


def _percent(value: Number | None) -> float | None:
    return 100 * value.mean if value else None
