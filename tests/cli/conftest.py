"""The command line for the tests of this folder."""

from tests.helpers.commands import run

__all__ = ["run"]
