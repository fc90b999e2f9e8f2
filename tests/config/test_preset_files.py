import pytest

from simclr_tf import errors
from simclr_tf.config import presets


def test_the_presets_that_travel_with_the_package():
    assert presets.names() == (
        "cifar10_10pct",
        "cifar10_1pct",
        "cifar10_adam",
        "cifar10_cpu",
        "cifar10_distill",
        "cifar10_linear",
        "cifar10_resnet18",
        "imagenet_10pct",
        "imagenet_1pct",
        "imagenet_linear",
        "imagenet_resnet50",
        "quickstart",
        "small_batch",
    )


def test_arguments_are_the_lines_that_are_flags():
    arguments = presets.arguments("cifar10_resnet18")
    assert "--resnet_depth=18" in arguments
    assert all(a.startswith("--") and a == a.strip() for a in arguments)


@pytest.mark.parametrize("name", presets.names())
def test_the_summary_is_one_line_of_plain_text(name):
    summary = presets.summary(name)
    assert summary
    assert not summary.startswith("#")


@pytest.mark.parametrize("name", ["quikstart", "../setup", "", "x"])
def test_an_unknown_preset_lists_the_names(name):
    with pytest.raises(errors.UserError) as caught:
        presets.arguments(name)
    message = str(caught.value)
    assert "preset must be one of cifar10_10pct, cifar10_1pct" in message
    assert f"got {name!r}" in message


def test_a_close_miss_gets_a_hint():
    with pytest.raises(errors.UserError, match="did you mean quickstart"):
        presets.arguments("quikstart")
