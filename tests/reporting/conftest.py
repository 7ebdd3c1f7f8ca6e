"""The page for the tests of this folder."""

from tests.helpers.commands import run
from tests.helpers.pages import html

__all__ = ["html", "run"]
