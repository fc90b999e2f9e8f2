"""What is compiled where, and that the compiled step is the same step."""

import pytest
import tensorflow as tf

from simclr_tf import errors
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


@pytest.fixture(params=["check_numerics", "dump_debug_info"])
def watched(request, tmp_path):
    """A debugger of TensorFlow that watches every operation."""
    if request.param == "check_numerics":
        tf.debugging.enable_check_numerics()
        yield
        tf.debugging.disable_check_numerics()
    else:
        tf.debugging.experimental.enable_dump_debug_info(str(tmp_path))
        yield
        tf.debugging.experimental.disable_dump_debug_info()


@pytest.mark.parametrize("device_type", ["CPU", "GPU"])
def test_nothing_is_compiled_under_a_debugger(watched, device_type, caplog):
    caplog.set_level("INFO", "absl")
    options = {"device_type": device_type, "num_replicas": 1}
    assert not any(compilation.choose("auto", **options))
    ours = [each.message for each in caplog.records if each.name == "absl"]
    assert ours == ["XLA is off: it cannot compile what a debugger watches"]
    assert not any(compilation.choose("off", **options))
    with pytest.raises(errors.UserError, match="jit must be 'off' or 'auto'"):
        compilation.choose("on", **options)


def test_a_step_that_is_not_compiled_stays_as_it_is():
    assert compilation.compiled(len, is_compiled=False) is len


def test_a_compiled_step_is_one_xla_program():
    doubled = compilation.compiled(lambda x: x + x, is_compiled=True)
    assert doubled(tf.constant(2.0)).numpy() == 4.0
    text = doubled.experimental_get_compiler_ir(tf.constant(2.0))()
    assert "HloModule" in text
