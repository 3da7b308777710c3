"""What every page begins with: its title, the way to the others, and what is being worked on."""

from pathlib import Path

import streamlit as st

from forget.ui import jobs

__all__ = ["PAGES", "frame"]

ICON = Path(__file__).parents[2] / "app_data" / "icon.png"
MENU = {"About": "Forget takes people out of face recognition models, and proves it."}
PAGES = {
    "app.py": "Home",
    "pages/forget_people.py": "Forget people",
    "pages/what_it_remembers.py": "What it remembers",
    "pages/audit.py": "Audit",
    "pages/compare.py": "Compare",
    "pages/experiments.py": "Experiments",
    "pages/classes.py": "Classes",
}


def frame(title: str) -> None:
    """Sets up the page and draws navigation, title and work that goes on in the background.

    Arguments:
        title: Heading of the page; the browser's tab says it too.
    """
    st.set_page_config(
        page_title=f"{title} · Forget", page_icon=str(ICON), layout="wide", menu_items=MENU
    )
    with st.container(horizontal=True, horizontal_alignment="left"):
        for path, label in PAGES.items():
            st.page_link(path, label=label, width="content")
    st.title(title)
    jobs.elsewhere(title)
