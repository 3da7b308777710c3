"""Audit: is the person really gone? Three questions, each beside people who were never there."""

from forget.ui import audit
from forget.ui.frame import frame
from forget.ui.visit import visit

frame("Audit")
now = visit()
if now.effect is None:
    audit.nobody_yet()
else:
    found = audit.run_button(now)
    if found is not None:
        audit.draw(found)
