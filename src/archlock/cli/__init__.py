"""The command line: parse, call one recipe, show the result, return an exit code."""

from archlock.cli.app import main

__all__ = ["main"]
