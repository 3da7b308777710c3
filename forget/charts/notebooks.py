"""How charts are shown in notebooks."""

from choreographer.browsers.chromium import Chromium

__all__ = ["notebook_renderer"]


def notebook_renderer() -> str:
    """The plotly renderer for a notebook: "png" where a Chrome or Chromium draws pictures.

    Pictures are seen where a notebook is read without being run. Without a browser it is
    "plotly_mimetype", charts that JupyterLab and editors draw themselves.
    """
    return "png" if Chromium.find_browser(skip_local=False) else "plotly_mimetype"
