"""One run: its state, its numbers with what to compare them to, its curves and its files."""

import json
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from forget.charts.people import spoken
from forget.charts.runs import method_bars
from forget.charts.series import DATASETS
from forget.errors import ForgetError
from forget.runs.run import Run, Status
from forget.ui.parts import plain
from forget.ui.run_curves import KINDS, View, chart, curve, limits, membership, pick_view
from forget.ui.run_download import download_run
from forget.ui.run_facts import (
    BEFORE,
    REFERENCE,
    STATES,
    Facts,
    Number,
    resume_command,
    share,
    title_of,
)

__all__ = ["about", "as_text", "draw", "state_of"]

PROMISES = {
    ("exact", "model"): "Exact, whole model",
    ("exact", "readout"): "Exact, readout only",
    ("approximate", "model"): "Approximate: measured, not proved",
    ("none", "model"): "No guarantee: suppression",
}
REFRESH = 4  # seconds between two looks at a run that is going on


def draw(facts: Facts) -> None:
    """Draws the whole of one run."""
    st.header(plain(f"{DATASETS.get(facts.dataset, facts.dataset)}: {facts.what}"), anchor="run")
    st.markdown(about(facts))
    state_of(facts)
    view = pick_view(facts, "run")
    if view is None:
        st.caption("No method has been measured yet.")
    else:
        _tiles(view)
        _promise(view)
        _methods(facts)
        _curves(view)
        losses = st.expander("Losses that the attack sees", on_change="rerun", key="run_members")
        if losses.open:
            with losses:
                membership(view, "run")
    with st.expander("Parameters", key="run_parameters"):
        _settings(facts.params, "run_parameters_table", "All settings of the run")
    with st.expander("Environment", key="run_environment"):
        _settings(facts.run.environment, "run_environment_table", "Versions, machine and times")
    download_run(facts, "run_download")


def about(facts: Facts) -> str:
    """State, date and methods in one line of Markdown."""
    methods = ", ".join(plain(title_of(one)) for one in facts.methods) or "no method yet"
    seeds = f"{len(facts.seeds)} seeds" if len(facts.seeds) > 1 else "one seed"
    return f"{STATES[facts.status]} · {plain(facts.date)} · {methods} · {seeds}"


def state_of(facts: Facts) -> None:
    """Says how to go on with an unfinished run, and follows one that is going on."""
    if facts.status is Status.RUNNING:
        _watch(str(facts.run.folder))
        st.button("Draw what came since", icon=":material/refresh:", key=f"refresh_{facts.key}")
    elif facts.status is Status.UNFINISHED:
        st.warning(
            "This run stopped before its end; what follows is what it had measured by then. In a "
            "terminal, in the folder of this app, this goes on with it:",
            icon=":material/pause_circle:",
        )
        st.code(resume_command(facts), language=None)


@st.fragment(run_every=REFRESH)
def _watch(folder: str) -> None:
    """Where a running run is; draws the page again once it has ended."""
    try:
        run = Run.open(folder)
        table, status = run.table(), run.status
    except (ForgetError, OSError):  # deleted meanwhile: the page tells
        st.rerun()
    if status is not Status.RUNNING:
        st.rerun()
    if len(table):
        last = table.iloc[-1]
        st.markdown(
            f":material/progress_activity: Last measured: {plain(title_of(last['method']))}, seed "
            f"{last['seed']}, epoch {last['epoch']}; {len(table):,} numbers so far."
        )
    else:
        st.markdown(":material/progress_activity: It has begun; nothing measured yet.")


def _tiles(view: View) -> None:
    """The four headline numbers, each with what it is to be compared with."""
    facts = view.facts

    def at_end(method: str, split: str, metric: str = "accuracy") -> Number | None:
        return facts.at_end(method, split, metric, view.seeds)

    mia, mia_reference = (at_end(one, "", "mia") for one in (view.method, REFERENCE))
    scores = [at_end(one, "", "nomus") for one in (view.method, REFERENCE)]
    nomus, nomus_reference = (f"{one.mean:.3f}" if one else "—" for one in scores)
    chance = facts.params.get("chance")
    tiles = (
        (
            "Accuracy, held out",
            share(at_end(view.method, "test")),
            f"before {share(facts.before('test', view.seeds))}, "
            f"retrained {share(at_end(REFERENCE, 'test'))}"
            + (f", chance {chance:.1%}" if chance else ""),
        ),
        (
            "Accuracy, to forget",
            share(at_end(view.method, "forget")),
            f"before {share(facts.before('forget', view.seeds))}, "
            f"retrained {share(at_end(REFERENCE, 'forget'))}",
        ),
        ("MIA, right guesses", share(mia), f"retrained {share(mia_reference)}"),
        ("NoMUS, of 1", nomus, f"retrained {nomus_reference}; read it with the MIA"),
    )
    for place, (label, value, compared) in zip(st.columns(4), tiles, strict=True):
        with place, st.container(border=True, height="stretch"):
            st.metric(label, value)
            st.caption(compared)
    st.markdown(_sentence(view, mia, mia_reference))


def _sentence(view: View, mia: Number | None, reference: Number | None) -> str:
    """What the numbers say."""
    facts, said = view.facts, []

    def pair(split: str, metric: str) -> tuple[Number | None, Number | None]:
        mine, other = (facts.at_end(one, split, metric, view.seeds) for one in ends)
        return mine, other

    ends = (view.method, REFERENCE)
    mine, other = pair("forget", "accuracy")
    if mine and other:
        off = 100 * (mine.mean - other.mean)
        far = "as often as" if abs(off) < 0.05 else f"{abs(off):.1f} points "
        far += "" if abs(off) < 0.05 else "more often than" if off > 0 else "less often than"
        said.append(f"It recognises images to forget {far} a model that never saw them.")
    if mia and reference:
        off = 100 * abs(mia.mean - reference.mean)
        said.append(f"The attack is {off:.1f} points from where it is on that model.")
    mine, other = pair("", "seconds")
    if mine and other:
        said.append(f"Unlearning took {spoken(mine.mean)}, training again {spoken(other.mean)}.")
    elif facts.epochs(view.method):
        epochs = facts.epochs(view.method)
        said.append(f"Unlearning ran for {epochs} epoch{'s' * (epochs > 1)}.")
    return " ".join(said)


def _promise(view: View) -> None:
    """What the method guarantees, and how far; suppression is never shown as forgetting."""
    promises = view.facts.run.guarantees
    mine = [promises.get(f"{view.method}-{seed}") for seed in view.facts.seeds]
    mine = [one for one in mine if isinstance(one, dict)]
    if not mine:
        return
    kind, scope = (str(mine[0].get(key, "")) for key in ("kind", "scope"))
    title = PROMISES.get((kind, scope), plain(f"{kind}, {scope}"))
    said = f"**{title}.** {plain(str(mine[0].get('reason', '')))}"
    said += f" {plain(str(mine[0]['caveat']))}" if mine[0].get("caveat") else ""
    if kind == "exact" and scope == "model":
        st.markdown(said)
    else:
        st.warning(said, icon=":material/warning:")
    if digest := mine[0].get("digest"):
        same = digest == mine[0].get("digest summed afresh")
        sign = "equals" if same else "differs from"
        st.caption(f"The digest of the sums {sign} that of sums made afresh: {plain(digest[:8])}…")


def _methods(facts: Facts) -> None:
    """All methods of the run beside each other, where there are several."""
    if len(facts.methods) < 2:
        return
    st.subheader("All methods at their last epoch")
    rows = {}
    for method in (BEFORE, *facts.methods, REFERENCE):
        wanted = {
            "held out": ("test", "accuracy"),
            "to keep": ("retain", "accuracy"),
            "to forget": ("forget", "accuracy"),
            "MIA": ("", "mia"),
            "NoMUS": ("", "nomus"),
        }
        found = {name: facts.at_end(method, *what) for name, what in wanted.items()}
        rows[title_of(method)] = {name: one.mean if one else None for name, one in found.items()}
    try:
        figure = method_bars(facts.table, facts.params)
    except ForgetError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    figure.update_yaxes(title=None, col=2)  # on a phone it would lie over the bars beside it
    figure.update_xaxes(title="attack", col=2)
    chart(
        figure,
        pd.DataFrame.from_dict(rows, orient="index").astype("float64").rename_axis("method"),
        "run_methods",
        "Accuracies and attack of each method, the retrained reference marked",
        percent=True,
        scores=("NoMUS",),
    )
    st.caption("On the right, how far the attack is from guessing, in points.")


def _curves(view: View) -> None:
    """Three charts against the epochs of unlearning; the one with most labels has a whole row."""
    ends = limits([view])
    places = [st.container(), *st.columns(2)]
    for place, (kind, title) in zip(places, KINDS.items(), strict=True):
        with place:
            st.subheader(title)
            curve(kind, view, "run", ends)
    st.caption(
        "Between first and last epoch, of sets beyond 2,000 images a fixed sample is judged."
    )


def _settings(values: Mapping[str, object], key: str, said: str) -> None:
    rows = pd.DataFrame([(name, as_text(value)) for name, value in values.items()])
    if len(rows):
        rows.columns = ["name", "value"]
        st.dataframe(rows, key=key, hide_index=True, alt=said)
    else:
        st.caption("The run kept none.")


def as_text(value: object) -> str:
    """A setting as people read it."""
    if isinstance(value, list):
        return ", ".join(as_text(one) for one in value) or "none"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {as_text(one)}" for name, one in value.items()) or "none"
    return value if isinstance(value, str) else json.dumps(value)
