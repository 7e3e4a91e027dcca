"""Tests that two descriptions of one thing agree: the schema and the models, the code and its reference."""
