"""Compare: methods side by side, each beside the network that was trained again without."""

import streamlit as st

from forget.ui import compare, contrast
from forget.ui.frame import frame

frame("Compare")
st.markdown(
    "Every method forgets the same images from the same network, and is read against the network "
    "that was trained again without them."
)
choice = compare.choose()
if choice is not None:
    compare.run_button(choice)
result = compare.follow()
if result is not None:
    contrast.draw(result, choice)
