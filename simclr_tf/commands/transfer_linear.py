"""`--transfer_method=linear`: logistic regression on frozen features."""

from simclr_tf.evaluation import methods, metrics, selection
from simclr_tf.scoring import frozen_features
from simclr_tf.setup import given_images

WHOLE = 1.0
"""The paper resizes the shorter side and cuts a square; nothing else goes."""


class LinearTransfer:
    """Scores one set after the other on features of one encoder.

    Source: Chen et al. 2020a, appendix B.8.
    """

    def __init__(self, config, model, path):
        """Nothing is computed yet.

        Args:
            config: a `Config`.
            model: a built `SimCLR` for one device.
            path: of its checkpoint; not needed here.
        """
        del path
        self._config = config
        self._extractor = frozen_features.FrozenFeatures(
            config, model, central_fraction=WHOLE
        )

    def __call__(self, each):
        """Chooses a penalty, fits, and scores one set.

        The penalty is chosen on the validation part, or by cross-validation
        where that is small, and the last fit is on training and validation
        images together.

        Args:
            each: a `transfer_sets.TransferSet`.

        Returns:
            (score, setting): a number in [0, 1], and a dict.

        Raises:
            errors.UserError: if the set cannot be opened.
        """
        fitted = self.fit(each)
        test = self._features(each, each.test)[1]
        score = metrics.METRICS[each.metric]
        value = score(fitted.classifier.logits(test.values), test.labels)
        return value, fitted.choice.setting

    def fit(self, each):
        """The `selection.Fitted` of a set; its test images are not opened."""
        num_classes, train = self._features(each, each.train)
        return selection.choose_and_refit(
            methods.logistic_regression(
                self._config.probe_l2, score=metrics.METRICS[each.metric]
            ),
            train,
            self._features(each, each.validation)[1],
            num_classes=num_classes,
            seed=self._config.seed,
        )

    def _features(self, each, split):
        """(K, `features.Features`) of one split."""
        source = given_images.open_transfer(self._config, each, split)
        found = self._extractor.load(source)
        return source.num_classes, found[frozen_features.FEATURES]
