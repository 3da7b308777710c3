"""Forget people: choose faces, press Forget, see what changed and the proof."""

from forget.ui import choose, result
from forget.ui.forecast import ahead
from forget.ui.frame import frame
from forget.ui.visit import visit

frame("Who should be forgotten?")
choose.data()
now = visit()
choose.people(now)
if now.effect is None:
    choose.preview(now)
else:
    result.draw(now, now.effect)
    choose.preview(now)
ahead(now)
