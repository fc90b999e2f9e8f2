"""Sums of memory, and what fits."""

import pytest

from simclr_tf.models import resnet, simclr
from simclr_tf.planning import activations, memory

HELD = activations.Activations(
    kept=800_000.0, peak=1_000_000.0, forward=100_000.0, operations=1000
)
SHAPE = memory.Shape(
    parameters=1_000_000,
    statistics=1000,
    slots=1_000_001,
    activations=HELD,
    image_size=32,
    width=128,
    precision="float32",
)


def total(**load):
    return memory.estimate(SHAPE, memory.Load(**load)).total


def test_every_part_by_hand():
    found = memory.estimate(SHAPE, memory.Load(images=64))
    pixels = 3 * 32 * 32
    assert found.weights == 4 * 1_001_000
    assert found.gradients == 4 * 2_000_000
    assert found.slots == 4 * 1_000_001
    assert found.activations == 128 * 1_000_000 * memory.RETAINED["float32"]
    assert found.views == 4 * 4 * 128 * pixels + 3 * 128 * pixels
    assert found.loss == round(4 * 3.4 * 128 * 128)
    assert found.runtime == 310_000_000 + 1000 * memory.BYTES_PER_OPERATION
    assert found.total == sum(found)


def test_a_microbatch_holds_its_own_images_alone():
    whole = memory.estimate(SHAPE, memory.Load(images=64))
    parts = memory.estimate(SHAPE, memory.Load(images=64, microbatch=16))
    assert parts.activations == whole.activations / 4
    assert parts.loss == whole.loss
    # The sum of the gradients so far.
    assert parts.gradients == whole.gradients + 4 * 1_000_000


def test_replicas_share_the_images_and_not_the_weights():
    one = memory.estimate(SHAPE, memory.Load(images=64))
    four = memory.estimate(SHAPE, memory.Load(images=64, num_replicas=4))
    assert four.activations == one.activations / 4
    assert four.loss == pytest.approx(one.loss / 4, abs=1)
    assert four.weights == one.weights
    parts = memory.Load(images=64, num_replicas=4, microbatch=8)
    assert (parts.local_images, parts.held_images) == (16, 8)


@pytest.mark.parametrize(
    ("images", "streaming", "measured_mb"),
    # docs/performance.md, extra memory of the loss at P = 128.
    [
        (1024, False, 65),
        (4096, False, 909),
        (8192, False, 3630),
        (1024, True, 35),
        (8192, True, 51),
        (65536, True, 130),
    ],
)
def test_the_loss_is_near_what_was_measured(images, streaming, measured_mb):
    load = memory.Load(images=images, streaming=streaming)
    found = memory.loss_bytes(128, load) / 1e6
    assert found == pytest.approx(measured_mb, rel=0.25)


def test_the_compiler_takes_memory_once():
    saved = total(images=8) - total(images=8, compiled=False)
    assert saved == memory.COMPILER_BYTES


def test_an_accelerator_holds_tensors_alone():
    found = memory.estimate(SHAPE, memory.Load(images=64, accelerator=True))
    assert found.runtime == 0
    assert found.activations == 128 * 1_000_000


def largest(limit, **load):
    return memory.largest_microbatch(
        SHAPE, memory.Load(**load), memory_bytes=limit
    )


def test_the_largest_microbatch_divides_and_fits():
    load = {"images": 96}
    assert largest(total(**load), **load) == 0
    assert largest(total(**load) - 1, **load) == 48
    assert largest(total(**load, microbatch=32), **load) == 32
    assert largest(total(**load, microbatch=32) - 1, **load) == 24
    assert largest(total(**load, microbatch=1) - 1, **load) is None
    shared = {"images": 96, "num_replicas": 4}
    assert largest(total(**shared, microbatch=12), **shared) == 12
    assert largest(total(**shared, microbatch=12) - 1, **shared) == 8
    assert largest(total(**shared, microbatch=1) - 1, **shared) is None


@pytest.mark.parametrize(("mode", "width"), [("none", 64), ("linear", 5)])
def test_the_width_that_is_gathered(mode, width):
    encoder = resnet.ResNet(10, width=0.125, stem="cifar")
    model = simclr.SimCLR(encoder, proj_head_mode=mode, proj_out_dim=5)
    assert memory.projection_width(model.build_on(8)) == width
