"""Errors that a user can mend, each shown as one sentence."""


class MtlserError(Exception):
    """A user's mistake, told in one sentence.

    The message names what was seen, what is allowed, and the command to run next. Both command
    lines print it without a traceback and exit with `exit_code`.
    """

    exit_code = 2


class NoSpaceError(MtlserError):
    """A full disk: nobody's mistake, and the same command is right once there is room."""

    exit_code = 1
