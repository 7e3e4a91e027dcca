"""Ansible callbacks of the benchmark; Ansible loads them by their path."""
