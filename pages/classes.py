"""Classes: one held-out picture, and what three models say about it."""

from forget.ui import classes
from forget.ui.explain import explain_numbers
from forget.ui.frame import frame
from forget.ui.run_facts import found

frame("Classes")
listed = classes.with_predictions(found()[0])
if listed:
    answers = classes.choose(listed)
    if answers is not None:
        picked = classes.pick(answers)
        if picked is not None:
            classes.picture(answers, picked)
        classes.curves(answers)
else:
    classes.nothing_yet()
explain_numbers("classes_explained")
