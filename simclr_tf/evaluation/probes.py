"""Linear probes side by side on several outputs of one encoder."""

import typing

from simclr_tf.evaluation import selection


class Splits(typing.NamedTuple):
    """`features.Features` of the three parts of a data set."""

    train: object
    validation: object
    test: object


class Probe(typing.NamedTuple):
    """One row of the table.

    Attributes:
        name: of the output, such as "block_group3".
        num_features: D.
        l2: the penalty chosen.
        validation: score of that penalty; None where there was no choice.
        test: score on test images.
        classifier: the `linear.Linear`.
    """

    name: str
    num_features: int
    l2: float
    validation: float | None
    test: float
    classifier: object

    def record(self):
        """What is written down of it: a JSON-able dict."""
        kept = self._asdict()
        del kept["classifier"]
        return kept


def fit_probes(named, method, *, num_classes, seed):
    """Fits a probe to every set of features, each with its own penalty.

    Args:
        named: dict of name -> `Splits`, all of the same images.
        method: a `methods.Linear`; its score chooses and is reported.
        num_classes: K.
        seed: int >= 0, of the folds where validation images are few.

    Returns:
        A list of `Probe`, in the order of `named`. Nothing but `test` of a
        row depends on test labels.
    """
    rows = []
    for name, splits in named.items():
        classifier, chosen = selection.choose_and_refit(
            method,
            splits.train,
            splits.validation,
            num_classes=num_classes,
            seed=seed,
        )
        test = splits.test
        rows.append(
            Probe(
                name,
                test.values.shape[1],
                chosen.setting["l2"],
                chosen.score,
                method.score(classifier.logits(test.values), test.labels),
                classifier,
            )
        )
    return rows


def render(rows):
    """The probes as a text table, scores in percent."""
    lines = [
        "accuracy % of linear probes on each output of the network:",
        f"{'features':<20}{'number':>8}{'l2':>10}{'val':>8}{'test':>8}",
    ]
    for row in rows:
        chosen_at = (
            "" if row.validation is None else f"{100 * row.validation:.1f}"
        )
        lines.append(
            f"{row.name:<20}{row.num_features:>8}{row.l2:>10.1e}"
            f"{chosen_at:>8}{100 * row.test:>8.1f}"
        )
    return "\n".join(lines)
