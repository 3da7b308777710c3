"""The only place that knows Streamlit, besides the pages."""
