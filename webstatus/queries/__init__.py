"""The only SELECTs, a module for each family of pages."""
