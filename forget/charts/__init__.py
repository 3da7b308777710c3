"""Tables to plotly figures, shared by the app and by scripts."""
