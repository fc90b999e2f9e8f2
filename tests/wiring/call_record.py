"""Calls of functions, kept by name, for the values that arrive there."""

import collections
import re

ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""In the text of an object, which says nothing of its value."""


class CallRecord:
    """Replaces functions and keeps the keyword arguments they are given.

    Attributes:
        calls: dict of "function.argument" -> list of values as text.
    """

    def __init__(self, monkeypatch):
        """Takes what undoes the replacement."""
        self._patch = monkeypatch
        self.calls = collections.defaultdict(list)

    def replace(self, module, name, result=None, *, positional=()):
        """Has a function record its arguments and do nothing else.

        Args:
            module: it is looked up in.
            name: of the function.
            result: what is returned, or a function of the arguments.
            positional: names of the positional arguments to record, None for
                one to leave out.
        """

        def recorded(*args, **kwargs):
            named = dict(zip(positional, args, strict=False)) | kwargs
            self.note(name, **{k: v for k, v in named.items() if k})
            return result(*args, **kwargs) if callable(result) else result

        self._patch.setattr(module, name, recorded)

    def watch(self, module, name, *, positional=()):
        """Has a function record its arguments and then do its work."""
        self.replace(module, name, getattr(module, name), positional=positional)

    def note(self, name, **values):
        """Keeps values under a name."""
        for argument, value in values.items():
            text = ADDRESS.sub("", repr(value))
            self.calls[f"{name}.{argument}"].append(text)
