"""How much memory there is for a replica."""

import os

import tensorflow as tf

_KIB = 1024
_MEMINFO = "/proc/meminfo"
_OWN_STATUS = "/proc/self/status"
_GROUP_FILES = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
"""Limits of a container: of version 2 of control groups, and of version 1."""


def memory_per_replica(num_replicas):
    """Bytes that one replica may fill.

    On a GPU or TPU, its own memory as far as TensorFlow tells, less what is in
    use. On CPUs, what is free on the machine and what this process holds
    already, or the container's limit if that is less, shared by the replicas.

    Args:
        num_replicas: on this machine.

    Returns:
        An int, or None if the system does not tell.
    """
    accelerators = tf.config.list_logical_devices("GPU")
    if accelerators:
        return _gpu_bytes(accelerators[0].name)
    if tf.config.list_logical_devices("TPU"):
        return None
    found = host_bytes()
    return None if found is None else found // num_replicas


def has_accelerator():
    """Whether training takes place on a GPU or TPU."""
    kinds = ("GPU", "TPU")
    return any(tf.config.list_logical_devices(kind) for kind in kinds)


def base_bytes(num_replicas):
    """What a replica holds before there is anything to train, in bytes.

    On CPUs a share of this process; nothing on an accelerator.
    """
    if has_accelerator() or not os.path.exists(_OWN_STATUS):
        return 0
    return _table(_OWN_STATUS)["VmRSS"] // num_replicas


def host_bytes(meminfo=_MEMINFO, status=_OWN_STATUS, groups=_GROUP_FILES):
    """What processes of this machine may still fill, and this one's own.

    Args:
        meminfo: path of Linux' table of memory.
        status: path of this process's table.
        groups: paths of files holding a container's limit, or "max".

    Returns:
        Bytes, or None where there is no such table.
    """
    if not os.path.exists(meminfo):
        return None
    free = _table(meminfo)["MemAvailable"]
    own = _table(status)["VmRSS"] if os.path.exists(status) else 0
    limits = [free + own]
    for path in groups:
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                text = file.read().strip()
            limits += [int(text)] if text.isdigit() else []
    return min(limits)


def _table(path):
    """Name -> bytes, of the lines "name:  n kB"."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return {
        words[0].rstrip(":"): int(words[1]) * _KIB
        for words in lines
        if words[-1:] == ["kB"]
    }


def _gpu_bytes(name):
    """Memory of a GPU that TensorFlow may use, less what it uses."""
    # The one place that tells the limit; not among the exported names.
    from tensorflow.python.client import device_lib

    limits = [
        device.memory_limit
        for device in device_lib.list_local_devices()
        if device.device_type == "GPU"
    ]
    used = tf.config.experimental.get_memory_info(name.split("device:")[-1])
    return limits[0] - used["current"] if limits else None
