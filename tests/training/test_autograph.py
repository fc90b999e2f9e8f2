"""Steps are traced as they are: AutoGraph takes seconds to rewrite them."""

import pytest
import tensorflow as tf

from simclr_tf.training import loop


def run_once(strategy, step_fn):
    call = loop.make_train_call(step_fn, strategy, metric_names=("value",))
    dataset = tf.data.Dataset.from_tensors(tf.ones([4])).repeat()
    batches = iter(strategy.experimental_distribute_dataset(dataset.batch(4)))
    return float(call(batches, tf.constant(3))["value"])


def branching(batch):
    """Needs AutoGraph: Python cannot know which way to go."""
    total = tf.reduce_sum(batch)
    if total > 0:
        total = -total
    return {"value": total}


@pytest.mark.parametrize("num_replicas", [1, 2])
def test_a_step_is_not_rewritten(mirrored, num_replicas):
    strategy = tf.distribute.get_strategy()
    if num_replicas > 1:
        strategy = mirrored(num_replicas)
    with pytest.raises(TypeError, match=r"symbolic `tf\.Tensor`"):
        run_once(strategy, branching)


def test_the_loop_over_steps_still_is():
    found = run_once(
        tf.distribute.get_strategy(),
        lambda batch: {"value": tf.reduce_sum(batch)},
    )
    assert found == 16.0
