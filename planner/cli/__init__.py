"""The command line: thin commands over the public verbs."""

from planner.cli.commands import main

__all__ = ["main"]
