"""The Streamlit app, and the only folder that knows Streamlit. It asks, calls the library once and draws."""
