"""Which flags make a run fit the memory at hand."""

from simclr_tf.losses import implementations
from simclr_tf.planning import choice, memory


def lines(config, shape_of, load, *, memory_bytes):
    """The advice as a dict of topic -> line.

    Args:
        config: a `Config`.
        shape_of: (precision, remat) -> `memory.Shape`.
        load: the `memory.Load` of the configuration.
        memory_bytes: one replica may fill, beyond what the process holds
            before training; None if unknown.
    """
    if memory_bytes is None:
        return {"advice": "none, as the memory at hand is unknown"}
    is_large = implementations.is_large(
        load.images, num_replicas=load.num_replicas
    )
    load = load._replace(streaming=load.streaming or is_large)
    found = choice.choose(
        shape_of, load, precision=config.precision, memory_bytes=memory_bytes
    )
    if found is None:
        return {
            "advice": "no setting fits one image a replica; a smaller network "
            "or image_size would"
        }
    needed = memory.estimate(
        shape_of(found.precision, found.remat),
        load._replace(microbatch=found.microbatch),
    )
    flags = " ".join(_flags(config, found, load)) or "keep these settings"
    return {
        "advice": f"{flags}; training takes {needed.total / 1e9:.3g} GB of "
        f"{memory_bytes / 1e9:.3g} GB"
    }


def _flags(config, found, load):
    """The flags of a `choice.Setting` that differ from the configuration."""
    if found.precision != config.precision:
        yield f"--precision={found.precision}"
    if found.remat != config.remat:
        yield "--remat" if found.remat else "--noremat"
    if found.microbatch != config.microbatch_size:
        yield f"--microbatch_size={found.microbatch}"
    if load.streaming and config.nt_xent == "dense":
        yield "--nt_xent=streaming"
