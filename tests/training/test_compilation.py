"""What is compiled where, and that the compiled step is the same step."""

import pytest
import tensorflow as tf

from simclr_tf.training import compilation


@pytest.mark.parametrize(
    ("jit", "device_type", "num_replicas", "views", "one_program", "step"),
    [
        ("auto", "CPU", 1, True, False, False),
        ("auto", "CPU", 2, True, False, False),
        ("auto", "GPU", 1, True, True, False),
        ("on", "CPU", 1, True, False, True),
        ("on", "GPU", 1, True, True, True),
        ("on", "GPU", 8, True, True, False),
        ("off", "CPU", 1, False, False, False),
        ("off", "GPU", 8, False, False, False),
        ("auto", "TPU", 8, False, False, False),
        ("on", "TPU", 8, False, False, False),
    ],
)
def test_the_choice(jit, device_type, num_replicas, views, one_program, step):
    assert compilation.choose(
        jit, device_type=device_type, num_replicas=num_replicas
    ) == (views, one_program, step)


def test_a_step_that_is_not_compiled_stays_as_it_is():
    assert compilation.compiled(len, is_compiled=False) is len


def test_a_compiled_step_is_one_xla_program():
    doubled = compilation.compiled(lambda x: x + x, is_compiled=True)
    assert doubled(tf.constant(2.0)).numpy() == 4.0
    text = doubled.experimental_get_compiler_ir(tf.constant(2.0))()
    assert "HloModule" in text
