"""The one exception for a user's mistake."""


class UserError(ValueError):
    """A mistake a user can mend: one readable line, exit code 1.

    The message names the argument, the rule and the value received.
    """
