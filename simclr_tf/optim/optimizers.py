"""The optimisers on offer, by name."""

import keras

from simclr_tf import errors
from simclr_tf.optim import lamb, lars

NAMES = ("momentum", "adam", "lars", "lamb")
DECAYING_NAMES = ("lars", "lamb")  # weight decay inside the update


def make_optimizer(
    name,
    learning_rate,
    *,
    momentum=0.9,
    weight_decay=0.0,
    exclude=(),
    lars_eta=0.001,
):
    """Makes an unbuilt optimiser.

    Args:
        name: one of `NAMES`. "momentum" is SGD with Nesterov momentum.
        learning_rate: float or Keras schedule.
        momentum: for "momentum" and "lars".
        weight_decay: for "lars" and "lamb"; the others take it as a loss
            (`decay.l2_loss`).
        exclude: variables that "lars" and "lamb" neither decay nor adapt,
            besides those of rank 0 and 1.
        lars_eta: trust coefficient of "lars".

    Returns:
        A `keras.optimizers.Optimizer`.

    Raises:
        errors.UserError: for any other name.

    Source: official tf2/model.py (`build_optimizer`) for all but LAMB.
    """
    if name == "momentum":
        return keras.optimizers.SGD(learning_rate, momentum, nesterov=True)
    if name == "adam":
        return keras.optimizers.Adam(learning_rate)
    if name == "lars":
        return lars.LARS(
            learning_rate,
            momentum=momentum,
            weight_decay=weight_decay,
            eta=lars_eta,
            exclude=exclude,
        )
    if name == "lamb":
        return lamb.LAMB(
            learning_rate,
            weight_decay=weight_decay,
            exclude=exclude,
            exclude_vectors=True,
        )
    raise errors.UserError(
        f"optimizer must be one of {', '.join(NAMES)}; got {name!r}"
    )
