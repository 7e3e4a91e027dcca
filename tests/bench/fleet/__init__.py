"""The cost of a fleet on the control node: ten to fifty hosts in one inventory, each with one small table."""
