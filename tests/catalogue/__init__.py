"""A catalogue of what tables and databases can contain: every type, attribute, option, engine and kind of object.

Each content is created on a server of its own product, backed up, restored and proven by tests/restore. The result for
each server and MyDumper is in ``outcomes.json``, from which docs/reference/contents.md is generated.
"""
