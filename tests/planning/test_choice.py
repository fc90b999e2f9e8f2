"""The cheapest settings that fit."""

import pytest

from simclr_tf.planning import activations, choice, memory

PEAK_BYTES = {
    ("float32", False): 4e6,
    ("bfloat16", False): 2e6,
    ("bfloat16", True): 1e6,
}
LOAD = memory.Load(images=1024)


def shape_of(precision, remat):
    peak = PEAK_BYTES[precision, remat]
    return memory.Shape(
        parameters=1000,
        statistics=0,
        slots=1000,
        activations=activations.Activations(peak, peak, peak / 10, 100),
        image_size=8,
        width=16,
        precision=precision,
    )


def needed(precision, remat, microbatch):
    load = LOAD._replace(microbatch=microbatch)
    return memory.estimate(shape_of(precision, remat), load).total


@pytest.mark.parametrize(
    "setting",
    [
        ("float32", False, 0),
        ("bfloat16", False, 0),
        ("bfloat16", True, 0),
        ("bfloat16", False, 128),
        ("bfloat16", False, 32),
        ("bfloat16", True, 16),
    ],
)
def test_each_where_it_just_fits(setting):
    found = choice.choose(
        shape_of, LOAD, precision="float32", memory_bytes=needed(*setting)
    )
    assert found == setting


def test_bfloat16_is_kept_where_it_is_asked_for():
    found = choice.choose(
        shape_of, LOAD, precision="bfloat16", memory_bytes=1e12
    )
    assert found == ("bfloat16", False, 0)


def test_nothing_fits():
    least = needed("bfloat16", True, 1)
    for memory_bytes, expected in ((least - 1, None), (least, 1)):
        found = choice.choose(
            shape_of, LOAD, precision="float32", memory_bytes=memory_bytes
        )
        assert (found and found.microbatch) == expected


def test_nothing_is_traced_without_need():
    asked = []

    def asking(*key):
        asked.append(key)
        return shape_of(*key)

    choice.choose(asking, LOAD, precision="float32", memory_bytes=1e12)
    assert asked == [("float32", False)]
