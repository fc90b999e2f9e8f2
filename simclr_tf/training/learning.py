"""What a run has learnt so far, compared with guessing."""

import collections
import typing

EARLY_FRACTION = 0.05
"""Share of the steps after which a loss at chance is worth a warning."""
WINDOW_FRACTION = 0.01
"""Share of the steps whose mean stands for the loss now; one step is noisy."""
MIN_WINDOW_STEPS = 10
AT_CHANCE = 0.999
"""A loss from this share of chance on is at chance.

Projections that have collapsed to one point are at chance but for rounding.
"""


class Chance(typing.NamedTuple):
    """What guessing gives.

    Attributes:
        loss: nats.
        accuracy: 0-1.
    """

    loss: float
    accuracy: float


class Learning:
    """The recent means of a run's loss and accuracy."""

    def __init__(self, *, total_steps, headline, chance):
        """Starts with no steps.

        Args:
            total_steps: the step training ends at.
            headline: names of the loss and the accuracy to look at.
            chance: a `Chance`.
        """
        self._total_steps = total_steps
        self._loss, self._accuracy = headline
        self._chance = chance
        self._window_steps = max(
            MIN_WINDOW_STEPS, round(WINDOW_FRACTION * total_steps)
        )
        self._early_step = max(
            self._window_steps, round(EARLY_FRACTION * total_steps)
        )
        self._recent = collections.deque()  # (number of steps, mean metrics)
        self._is_early = True

    def add(self, num_steps, metrics):
        """Takes the mean metrics of the last `num_steps` steps."""
        self._recent.append((num_steps, metrics))
        while self._num_recent() - self._recent[0][0] >= self._window_steps:
            self._recent.popleft()

    def early_warning(self, step):
        """A warning if the loss is at chance after 5% of the steps, once.

        None at the last step, which has `final_warning`.

        Args:
            step: the step reached.

        Returns:
            A line, or None.
        """
        is_due = self._early_step <= step < self._total_steps
        if not (self._is_early and is_due):
            return None
        self._is_early = False
        return self._warning(f"after {step} steps")

    def summary(self, found):
        """What was learnt, in a line.

        Args:
            found: pairs of a name and a text, of what else was measured.
        """
        parts = [
            f"loss {self._mean(self._loss):.3f} (chance "
            f"{self._chance.loss:.3f})",
            f"{self._accuracy} {self._mean(self._accuracy):.1%} (chance "
            f"{self._chance.accuracy:.2%})",
            *(f"{name} {text}" for name, text in found),
        ]
        return "learned: " + ", ".join(parts)

    def final_warning(self):
        """A warning if the loss is at chance at the end, or None."""
        return self._warning("at the end of training")

    def _warning(self, when):
        loss = self._mean(self._loss)
        if loss < AT_CHANCE * self._chance.loss:
            return None
        return (
            f"{when} the loss, {loss:.3f}, is not below chance, "
            f"{self._chance.loss:.3f}: nothing is being learned; try a lower "
            "or higher learning_rate, or a longer warm-up"
        )

    def _num_recent(self):
        return sum(num_steps for num_steps, _ in self._recent)

    def _mean(self, name):
        total = sum(n * metrics[name] for n, metrics in self._recent)
        return total / self._num_recent()
