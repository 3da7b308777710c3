"""Experiments: the runs of the unlearning scripts, one by one or two side by side."""

from forget.ui import experiments, run_pair, run_view
from forget.ui.explain import explain_numbers
from forget.ui.frame import frame
from forget.ui.run_facts import found

frame("Experiments")
listed, problems = found()
experiments.told(problems)
if listed:
    experiments.runs_table(listed)
    chosen = experiments.choose(listed)
    if len(chosen) == 1:
        run_view.draw(chosen[0])
    elif chosen:
        run_pair.draw(*chosen)
else:
    experiments.nothing_yet()
explain_numbers("experiments_explained")
