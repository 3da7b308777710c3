"""What it remembers: what the model holds of a person, drawn before and now."""

from forget.ui import remembers
from forget.ui.frame import frame
from forget.ui.visit import visit

frame("What it remembers")
remembers.draw(visit())
