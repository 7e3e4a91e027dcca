"""Every promise of the design, broken on purpose."""
