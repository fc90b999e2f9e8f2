"""The one exception for a user's mistake."""

import contextlib


class UserError(ValueError):
    """A mistake a user can mend: one readable line, exit code 1.

    The message names the argument, the rule and the value received.
    """


class DivergenceError(UserError):
    """Training that has left the finite numbers."""


@contextlib.contextmanager
def renamed(argument, flag):
    """Has what is wrong with an argument be said of the flag that gave it.

    Args:
        argument: what errors call it, such as "split".
        flag: such as "eval_split".

    Raises:
        UserError: in place of one raised within.
    """
    try:
        yield
    except UserError as error:
        rule = str(error).removeprefix(f"{argument} must ")
        if rule == str(error):
            raise
        raise UserError(f"{flag} must {rule}") from error


@contextlib.contextmanager
def about(argument):
    """Puts an argument's name before what is wrong with what it names.

    For arguments that are opened like another one, whose rules name that.

    Args:
        argument: such as "teacher", which is opened like `checkpoint`.

    Raises:
        UserError: in place of one raised within.
    """
    try:
        yield
    except UserError as error:
        raise UserError(f"{argument}: {error}") from error
