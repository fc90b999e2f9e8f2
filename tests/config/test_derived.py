import pytest

from simclr_tf import errors
from simclr_tf.config import Config, derived

# (batch, examples, epochs, train steps) as the official code computed them
# for six settings (provenance: tests/goldens/README.md, schedule.json).
OFFICIAL_TRAIN_STEPS = [
    (4096, 1281167, 100, 31279),
    (512, 50000, 1000, 97657),
    (512, 50000, 100, 9766),
    (1024, 12811, 60, 751),
    (256, 1000, 3, 12),
]


def make(**values):
    return Config(**{"model_dir": "d", **values})


@pytest.mark.parametrize(
    ("batch", "examples", "epochs", "steps"), OFFICIAL_TRAIN_STEPS
)
def test_train_steps_are_the_official_ones(batch, examples, epochs, steps):
    config = make(train_batch_size=batch, train_epochs=epochs)
    assert derived.train_steps(config, examples) == steps


def test_train_steps_override_epochs():
    assert derived.train_steps(make(train_steps=7), 50000) == 7


@pytest.mark.parametrize(
    ("batch", "examples", "epochs", "steps"),
    [
        (4096, 1281167, 10, 3127),
        (512, 50000, 10, 976),
        (512, 50000, 0.5, 48),
        (512, 50000, 0, 0),
    ],
)
def test_warmup_is_rounded_down(batch, examples, epochs, steps):
    config = make(train_batch_size=batch, warmup_epochs=epochs)
    result = derived.warmup_steps(config, examples)
    assert result == steps
    assert isinstance(result, int)


@pytest.mark.parametrize("epochs", [100.1, 200])
def test_warmup_must_be_shorter_than_training(epochs):
    config = make(warmup_epochs=epochs, train_epochs=100)
    with pytest.raises(errors.UserError) as caught:
        derived.warmup_steps(config, 50000)
    message = str(caught.value)
    assert message.startswith("warmup_epochs must be shorter than training: ")
    assert f"; got {epochs:g}; a tenth of training is usual" in message


def test_warmup_is_held_against_train_steps_when_they_are_set():
    config = make(warmup_epochs=1, train_steps=97)
    with pytest.raises(errors.UserError, match="97 steps of 97"):
        derived.warmup_steps(config, 50000)
    assert derived.warmup_steps(config.replace(train_steps=98), 50000) == 97


@pytest.mark.parametrize(
    ("examples", "steps"), [(50000, 98), (1, 1), (767, 1), (769, 2)]
)
def test_an_epoch_is_rounded_and_at_least_a_step(examples, steps):
    assert derived.steps_per_epoch(make(), examples) == steps


def test_checkpoint_steps():
    assert derived.checkpoint_steps(make(checkpoint_epochs=3), 50000) == 294
    assert derived.checkpoint_steps(make(checkpoint_steps=5), 50000) == 5


def test_eval_steps_cover_the_split_once():
    assert derived.eval_steps(make(), 257) == 2
    assert derived.eval_steps(make(), 256) == 1
    assert derived.eval_steps(make(eval_steps=9), 256) == 9
