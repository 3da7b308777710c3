"""Brings a new result into view, once."""

import streamlit as st

__all__ = ["reveal"]

_SCRIPT = """
export default function ({ data, parentElement }) {
  const seen = (window.__forgetRevealed ??= new Set());
  if (seen.has(data.token)) return;
  seen.add(data.token);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const host = parentElement.host ?? parentElement;
  host.style.scrollMarginTop = "5rem"; // the header of the page lies over its top
  host.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}
"""
_component = st.components.v2.component("forget_reveal", html="<span></span>", js=_SCRIPT)


def reveal(token: str) -> None:
    """Scrolls the page to this place when a token comes for the first time.

    Arguments:
        token: Names the result, so that a rerun of the page does not scroll again.
    """
    _component(key="reveal", data={"token": token}, height=1)
