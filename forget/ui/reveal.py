"""Brings a new result into view, once."""

import streamlit as st

__all__ = ["asked", "reveal"]

_REQUESTS = "reveal_requests"
_SCRIPT = """
export default function ({ data }) {
  const seen = (window.__forgetRevealed ??= new Set());
  const heading = document.getElementById(data.anchor);
  if (!heading || seen.has(data.token)) return;
  seen.add(data.token);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  heading.style.scrollMarginTop = "5rem"; // the header of the page lies over its top
  heading.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}
"""
_component = st.components.v2.component("forget_reveal", html="<span></span>", js=_SCRIPT)


def asked() -> None:
    """Counts a request of the visitor: its result is new, even one that was there before."""
    st.session_state[_REQUESTS] = st.session_state.get(_REQUESTS, 0) + 1


def reveal(anchor: str, token: str) -> None:
    """Scrolls the page to a heading when a token comes for the first time since a request.

    Call it after everything below the heading, so that the page is long enough to scroll.

    Arguments:
        anchor: The heading.
        token: Names the result, so that a rerun of the page does not scroll again.
    """
    token = f"{token} {st.session_state.get(_REQUESTS, 0)}"
    _component(key="reveal", data={"anchor": anchor, "token": token}, height=1)
