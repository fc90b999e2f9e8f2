"""What LARS and LAMB share: the trust ratio and the exclusions."""

import keras
import tensorflow as tf

from simclr_tf.optim import decay


def trust_ratio(weight, update, *, eta=1.0):
    """`eta` times the ratio of two norms; 1 where either of them is 0.

    Args:
        weight: float32, any shape.
        update: float32, the same shape.
        eta: trust coefficient.

    Returns:
        float32 []; 1, not `eta`, without a weight or an update, so that a
        zero-initialised variable can leave 0.
    """
    weight_norm, update_norm = _norm(weight), _norm(update)
    usable = (weight_norm > 0) & (update_norm > 0)
    ratio = tf.math.divide_no_nan(eta * weight_norm, update_norm)
    return tf.where(usable, ratio, 1.0)


def _norm(tensor):
    """The Euclidean norm, read in one pass; `tf.norm` writes the squares."""
    return tf.sqrt(2.0 * tf.nn.l2_loss(tensor))


class LayerwiseOptimizer(keras.optimizers.Optimizer):
    """Base of optimisers that decay and adapt per variable, with exceptions.

    Subclasses set `slot_names` and define `update(weight, slots, gradient, *,
    learning_rate, decay, adapt)`, which returns the new weight and slots.

    Distribution: build in the strategy's scope on all variables, before the
    first traced call; apply in replica context, where Keras sums gradients.
    """

    slot_names = ()

    def __init__(
        self, learning_rate, *, weight_decay, exclude, exclude_vectors, **base
    ):
        """Holds what is common.

        Args:
            learning_rate: float or Keras schedule.
            weight_decay: strength of the decay inside the update. (Not handed
                to Keras, which would decay outside it.)
            exclude: variables, or their paths, that are neither decayed nor
                adapted.
            exclude_vectors: treat all variables of rank 0 and 1 so as well.
            **base: `name`, and what every optimiser of Keras takes besides:
                `clipnorm`, `global_clipnorm`, `clipvalue`, `use_ema`,
                `ema_momentum`, `ema_overwrite_frequency`,
                `loss_scale_factor`, `gradient_accumulation_steps`. Gradients
                are clipped on each replica, before they are summed and
                before weight decay.

        Raises:
            ValueError: if there is no such argument, or Keras refuses its
                value.
        """
        super().__init__(learning_rate, **base)
        self.decay_strength = weight_decay
        self.exclude = tuple(decay.path_of(v) for v in exclude)
        self.exclude_vectors = exclude_vectors

    def exclude_also(self, variables):
        """Excludes more variables; call it before the optimiser is built.

        Args:
            variables: those to exclude, or their paths.
        """
        paths = map(decay.path_of, variables)
        self.exclude += tuple(p for p in paths if p not in self.exclude)

    def build(self, variables):
        """Makes the slots and resolves the exclusions.

        Args:
            variables: the trainable variables, `keras.Variable`.

        Raises:
            ValueError: if an excluded variable is not among them.
        """
        if self.built:
            return
        self._excluded = decay.exclusion_flags(
            variables, self.exclude, exclude_vectors=self.exclude_vectors
        )
        super().build(variables)
        self._slots = [
            self.add_optimizer_variables(variables, name)
            for name in self.slot_names
        ]

    def update_step(self, gradient, variable, learning_rate):
        """Assigns one variable and its slots; called by Keras."""
        index = self._get_variable_index(variable)
        slots = [slot[index] for slot in self._slots]
        included = not self._excluded[index]
        weight, *values = self.update(
            tf.convert_to_tensor(variable),
            *(tf.convert_to_tensor(slot) for slot in slots),
            tf.cast(gradient, variable.dtype),
            learning_rate=tf.cast(learning_rate, variable.dtype),
            decay=included,
            adapt=included,
        )
        self.assign(variable, weight)
        for slot, value in zip(slots, values, strict=True):
            self.assign(slot, value)

    def get_config(self):
        """The constructor's arguments; `exclude` as a list of paths."""
        return super().get_config() | {
            "weight_decay": self.decay_strength,
            "exclude": list(self.exclude),
            "exclude_vectors": self.exclude_vectors,
        }
