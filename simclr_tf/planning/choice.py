"""The settings that make a batch fit into memory at the least cost."""

from typing import NamedTuple

from simclr_tf.planning import memory

ENOUGH_ROWS = 64
"""Views of a replica's microbatch from which batch norm's statistics are good
enough: twice the 32 images a worker of Wu and He 2018, "Group Normalization",
Figure 1, whose error rises from 16 images down."""


class Setting(NamedTuple):
    """What may be chosen to save memory.

    Attributes:
        precision: "float32" or "bfloat16".
        remat: whether blocks are computed twice.
        microbatch: images whose activations are held at once; 0 for all.
    """

    precision: str
    remat: bool
    microbatch: int


def choose(shape_of, load, *, precision, memory_bytes):
    """The cheapest `Setting` that fits, or None.

    In this order: as simple as can be; in bfloat16, which is no slower where
    it is supported; with remat, a third more work; by microbatches, a third
    more work and batch statistics of less than the batch; by larger
    microbatches with remat, both.

    Args:
        shape_of: (precision, remat) -> `memory.Shape`; called as needed.
        load: `memory.Load`; its microbatch is not read.
        precision: that the user prefers.
        memory_bytes: of one replica, beyond importing the framework.
    """

    def largest(kind, remat):
        return memory.largest_microbatch(
            shape_of(kind, remat), load, memory_bytes=memory_bytes
        )

    for kind, remat in (
        (precision, False),
        ("bfloat16", False),
        ("bfloat16", True),
    ):
        if largest(kind, remat) == 0:
            return Setting(kind, remat, 0)
    plain, saving = largest("bfloat16", False), largest("bfloat16", True)
    if memory.VIEWS_PER_IMAGE * (plain or 0) >= ENOUGH_ROWS:
        return Setting("bfloat16", False, plain)
    return saving and Setting("bfloat16", True, saving)
