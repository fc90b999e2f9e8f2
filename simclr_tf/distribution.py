"""Strategies, and the collectives that the loss and batch norm need.

Dimension letters: `b` rows of one replica, `B` rows of all replicas.
"""

import collections
import contextlib
import functools
import itertools

import tensorflow as tf

from simclr_tf import cpu, errors

TpuAddress = collections.namedtuple("TpuAddress", "name zone project")
AMPERE_CAPABILITY = (8, 0)
"""Compute capability of the first NVIDIA GPUs with TF32 and bfloat16.

Source: NVIDIA, "CUDA C++ Programming Guide", table "Features and Technical
Specifications per Compute Capability".
"""
# TensorFlow numbers the groups of devices of every `MirroredStrategy` from 1.
# A strategy needs one number per set of its own devices; these leave room
# for those, and for strategies made elsewhere in the process.
_GROUP_KEY_BASES = itertools.count(1_000_000, 1000)


def make_strategy(*, tpu=None, num_replicas=0):
    """Returns the `tf.distribute` strategy for the hardware at hand.

    The same devices give the same object for as long as the process lives.
    The runtime remembers the shape of every collective by group and instance
    key. One strategy hands out each pair once; a second strategy over the
    same devices would start over, and its first collective of another shape
    would abort all others. Connecting to a TPU again would reset it.

    Args:
        tpu: a `TpuAddress` to connect to, or None for local devices.
        num_replicas: how many local devices to use; 0 means all accelerators,
            or the one CPU where there are none. A CPU is split into logical
            devices when more are asked for, which shows what replicas do
            and is no faster.

    Returns:
        `TPUStrategy`, `MirroredStrategy`, or the default strategy for a
        single device (no collectives, no per-replica wrappers).

    Raises:
        errors.UserError: if more replicas are asked for than there are
            devices, or the TPU cannot be found.
    """
    if tpu is not None:
        return _tpu_strategy(tpu)
    devices = local_devices(num_replicas)
    if len(devices) == 1:
        return tf.distribute.get_strategy()
    return _mirrored_strategy(tuple(devices))


@functools.cache
def _mirrored_strategy(devices):
    """The one `MirroredStrategy` over a tuple of devices."""
    kind = type(
        "MirroredStrategy",
        (tf.distribute.MirroredStrategy,),
        {"_collective_key_base": next(_GROUP_KEY_BASES)},
    )
    return kind(devices)


def local_devices(num_replicas=0):
    """Names of the local devices to train on, GPUs before logical CPUs."""
    if not tf.config.list_physical_devices("GPU") and num_replicas > 1:
        _split_cpu(num_replicas)
    devices = tf.config.list_logical_devices("GPU")
    if not devices:
        cpus = tf.config.list_logical_devices("CPU")
        devices = cpus if num_replicas > 1 else cpus[:1]
    if num_replicas > len(devices):
        raise errors.UserError(
            f"num_replicas must be at most the number of devices, "
            f"{len(devices)}; got {num_replicas}"
        )
    return [device.name for device in devices[: num_replicas or None]]


def _split_cpu(num_replicas):
    """Splits the CPU into logical devices, unless TensorFlow has started.

    A split that the caller has configured already is left as it is.
    """
    device = tf.config.list_physical_devices("CPU")[0]
    if tf.config.get_logical_device_configuration(device) is not None:
        return
    logical = [tf.config.LogicalDeviceConfiguration()] * num_replicas
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(device, logical)


@functools.cache
def _tpu_strategy(tpu):
    """The one `TPUStrategy` of a `TpuAddress`."""
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
            tpu=tpu.name or "", zone=tpu.zone, project=tpu.project
        )
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, RuntimeError, OSError, tf.errors.OpError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise errors.UserError(
            f"use_tpu needs a TPU that can be reached; tpu_name={tpu.name!r} "
            f"gave: {reason}"
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def device_type(strategy):
    """What a strategy trains on: "TPU", "GPU" or "CPU"."""
    if isinstance(strategy, tf.distribute.TPUStrategy):
        return "TPU"
    return "GPU" if tf.config.list_logical_devices("GPU") else "CPU"


def has_tf32():
    """Whether a visible GPU multiplies in TF32 (compute capability >= 8.0).

    The setting is `tf.config.experimental.enable_tensor_float_32_execution`.
    """
    return any(each >= AMPERE_CAPABILITY for each in _gpu_capabilities())


def multiplies_bfloat16():
    """Whether the local devices to train on multiply bfloat16 natively.

    All GPUs, where there are any (compute capability >= 8.0), or the CPU.
    """
    capabilities = _gpu_capabilities()
    if capabilities:
        return min(capabilities) >= AMPERE_CAPABILITY
    return cpu.multiplies_bfloat16()


def _gpu_capabilities():
    """Compute capability of each visible GPU; (0, 0) where it has none."""
    details = map(
        tf.config.experimental.get_device_details,
        tf.config.get_visible_devices("GPU"),
    )
    return [each.get("compute_capability", (0, 0)) for each in details]


def num_replicas():
    """Replicas in sync in the current strategy, a Python int."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_index():
    """Index of this replica, int32 []; 0 outside a replica context."""
    context = tf.distribute.get_replica_context()
    if context is None or num_replicas() == 1:
        return tf.constant(0)
    return tf.cast(context.replica_id_in_sync_group, tf.int32)


def positions_from(start, num_images):
    """Positions of this replica's images, as if replicas stood in a row.

    Args:
        start: position of the first image of all replicas, int64 [].
        num_images: of each replica, int64 [].

    Returns:
        int64 [num_images].
    """
    index = tf.cast(replica_index(), tf.int64)
    return start + index * num_images + tf.range(num_images)


def all_reduce_sum(tensor):
    """Sum over replicas, differentiable; the identity on one replica."""
    context = tf.distribute.get_replica_context()
    if context is None or num_replicas() == 1:
        return tensor
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)


def mean_over_replicas(tensors):
    """Means over replicas, all by one all-reduce.

    Args:
        tensors: list of float32 tensors of static shape.

    Returns:
        A list of the same shapes.
    """
    if num_replicas() == 1:
        return list(tensors)
    packed = tf.concat([tf.reshape(each, [-1]) for each in tensors], axis=0)
    means = all_reduce_sum(packed) / num_replicas()
    sizes = [each.shape.num_elements() for each in tensors]
    return [
        tf.reshape(part, each.shape)
        for part, each in zip(tf.split(means, sizes), tensors, strict=True)
    ]


def gather(tensor):
    """Concatenates the rows of all replicas, in replica order.

    Built as scatter and sum, whose gradient sums over replicas again: with
    the loss divided by the replica count and gradients summed by the
    optimizer, k replicas give exactly the gradient of one.

    Args:
        tensor: [b, ...], the same static shape on every replica.

    Returns:
        [B, ...] with this replica's rows at `replica_index() * b`.

    Source: Chen et al. 2020a, section 2.2; official tf2/objective.py
    (`tpu_cross_replica_concat`).
    """
    if num_replicas() == 1 or tf.distribute.get_replica_context() is None:
        return tensor
    slots = tf.one_hot(replica_index(), num_replicas(), dtype=tensor.dtype)
    slots = tf.reshape(slots, [-1] + [1] * len(tensor.shape))
    scattered = slots * tensor[tf.newaxis]  # [R, b, ...]
    gathered = all_reduce_sum(scattered)
    return tf.reshape(gathered, [-1, *tensor.shape[1:]])  # [B, ...]
