"""The web app: its pages in a real browser, its answers in-process."""
