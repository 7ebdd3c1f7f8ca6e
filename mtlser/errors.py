"""The one error that a user's input can cause."""


class MtlserError(Exception):
    """A user's mistake, told in one sentence.

    The message names what was seen, what is allowed, and the command to run next. Both command
    lines print it without a traceback and exit with code 2.
    """
