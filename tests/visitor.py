"""What a visitor of the app does, for tests without a browser."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

__all__ = ["FORGET", "PAGES", "forget", "opened", "press", "words"]

ROOT = Path(__file__).parents[1]
PAGES = ["app.py", *(f"pages/{path.name}" for path in sorted((ROOT / "pages").glob("*.py")))]
FORGET = "pages/forget_people.py"


def opened(page: str = FORGET) -> AppTest:
    """Opens a page."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    return at if page == "app.py" else at.switch_page(page).run()


def words(at: AppTest) -> str:
    """All text of the page; fails if it ended in an exception."""
    assert not at.exception
    kinds = (at.markdown, at.caption, at.header, at.title, at.error, at.warning, at.code)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def press(at: AppTest, label: str) -> AppTest:
    """Presses a button."""
    return next(one for one in at.button if one.label == label).click().run()


def forget(at: AppTest, *people: str, button: str = "Forget") -> AppTest:
    """Chooses people and presses the button."""
    at.multiselect[0].set_value(list(people)).run()
    assert not at.exception
    return press(at, button)
