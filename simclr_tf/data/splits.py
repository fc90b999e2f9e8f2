"""Splits by name and slice: "train", "train[:90%]", "train[100:]+test"."""

import dataclasses
import re

import numpy as np

from simclr_tf import errors

_PART = re.compile(
    r"(?P<name>[\w.-]+)(\[(?P<start>[^:\]]*):(?P<stop>[^:\]]*)\])?"
)
_BOUND = re.compile(r"(?P<number>-?\d+)(?P<percent>%?)")
_SLICE_SEED = 0


@dataclasses.dataclass(frozen=True)
class Part:
    """One term of a split: a name, and bounds as written ("" for none)."""

    name: str
    start: str = ""
    stop: str = ""

    def indices(self, num_examples):
        """The examples this part holds.

        A slice is taken of one fixed random order, as folders are sorted by
        class; slices that do not overlap share no example.

        Args:
            num_examples: size of the whole split.

        Returns:
            int64 indices in rising order.

        Raises:
            errors.UserError: if a bound lies outside the split, or the part
                is empty.
        """
        if not (self.start or self.stop):
            return np.arange(num_examples)
        start = self._bound(self.start, num_examples, default=0)
        stop = self._bound(self.stop, num_examples, default=num_examples)
        if start >= stop:
            raise errors.UserError(
                f"split must hold at least one example; got {self}"
            )
        order = np.random.RandomState(_SLICE_SEED).permutation(num_examples)
        return np.sort(order[start:stop])

    def _bound(self, text, num_examples, *, default):
        if not text:
            return default
        number, percent = _BOUND.fullmatch(text).group("number", "percent")
        bound = int(number)
        if percent:  # rounded as TFDS rounds
            bound = round(bound * num_examples / 100)
        if not -num_examples <= bound <= num_examples:
            raise errors.UserError(
                f"split must stay within its {num_examples} examples; "
                f"got {self}"
            )
        return bound + num_examples if text.startswith("-") else bound

    def __str__(self):
        """The part as it is written on the command line."""
        if self.start or self.stop:
            return f"{self.name}[{self.start}:{self.stop}]"
        return self.name


def parse(split):
    """Reads a split into its parts.

    Args:
        split: str, names with optional slices, joined by "+".

    Returns:
        Tuple of `Part`s, at least one.

    Raises:
        errors.UserError: if it cannot be read.
    """
    return tuple(_parse_part(text.strip(), split) for text in split.split("+"))


def _parse_part(text, split):
    found = _PART.fullmatch(text)
    bounds = (found["start"] or "", found["stop"] or "") if found else ()
    if not found or any(b and not _BOUND.fullmatch(b) for b in bounds):
        raise errors.UserError(
            f"split must read like 'train', 'train[:90%]' or "
            f"'train[100:200]'; got {split!r}"
        )
    return Part(found["name"], *bounds)
