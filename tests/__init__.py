"""Tests of the whole product; those of one part of the collection are in the collection's own tests folder."""
