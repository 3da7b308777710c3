"""Home: what Forget is, the state of the visitor's model, and what is installed."""

import streamlit as st

from forget.ui import home
from forget.ui.browse import browse
from forget.ui.frame import frame
from forget.ui.visit import state, visit

frame("Forget")
st.markdown(
    "A face model that you can take people out of. Every person in it is a term in a sum, so "
    "forgetting is a subtraction, done in milliseconds. For people on whom the network underneath "
    "was not trained, what is left equals, bit for bit, a model that never saw them, and you can "
    "check that yourself."
)
now = visit()
home.fading_strip()
st.markdown(f"**Your model:** {state()}")
if st.button("Forget somebody", type="primary", icon=":material/person_remove:"):
    st.switch_page("pages/forget_people.py")
st.header("Who is in it")
browse(now, "home_gallery")
home.present()
