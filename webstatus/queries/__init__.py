"""The SELECT statements of the app, one module for each group of pages."""
