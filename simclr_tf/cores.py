"""How many threads may run at once.

TensorFlow and NumPy start a thread for every core they see, whatever quota a
container has; more threads than cores wait for each other. Environment
variables that both read at their start set the number, so they are set when
this package is imported, unless the user has set them.
"""

import math
import os

THREADS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)
"""Read by TensorFlow, and by the linear algebra of NumPy and scikit-learn."""
_CGROUP_ROOT = "/sys/fs/cgroup"
_OWN_CGROUPS = "/proc/self/cgroup"


def limit_threads():
    """Sets the numbers of threads in the environment, where a quota asks."""
    num_cores = available()
    if num_cores < len(schedulable()):
        for name in THREADS:
            os.environ.setdefault(name, str(num_cores))


def available():
    """How many threads may run at once: cores, or the container's quota.

    A quota of 1.5 cores counts as two: one thread would waste a third of it.
    """
    cores = len(schedulable())
    granted = quota()
    return cores if granted is None else min(cores, math.ceil(granted))


def schedulable():
    """The cores this process may run on, a list."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def quota(root=_CGROUP_ROOT, own=_OWN_CGROUPS):
    """The CPU quota of this process's control groups, in cores.

    A group's quota holds for the groups below it, too, so the least on the
    way up counts. In a container the way may begin outside of what it sees;
    the root is then its own group.

    Args:
        root: where control groups are mounted, version 2 or 1.
        own: the file that names this process's groups.

    Returns:
        A float, or None where there is no quota.
    """
    found = [
        granted
        for controllers, path in _groups(own)
        if not controllers or "cpu" in controllers
        for directory in _way_up(_mount(root, controllers), path)
        if (granted := _quota(directory)) is not None
    ]
    return min(found, default=None)


def _groups(own):
    """(controllers, path) of each line "0::/path" or "1:cpu,cpuacct:/path"."""
    if not os.path.exists(own):
        return []
    with open(own, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    return [
        (tuple(filter(None, names.split(","))), path)
        for _, names, path in lines
    ]


def _mount(root, controllers):
    """Version 1 mounts a tree of its own for the controller."""
    return os.path.join(root, "cpu") if controllers else root


def _way_up(root, path):
    """The directories of a group and of those above it, the root last."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [
        os.path.join(root, *parts[:depth])
        for depth in range(len(parts), -1, -1)
    ]


def _quota(directory):
    """Cores of one group: "150000 100000" is 1.5; None without a quota."""
    names = ("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    for files in names:
        paths = [os.path.join(directory, name) for name in files]
        if all(map(os.path.exists, paths)):
            return _cores_granted(" ".join(map(_content, paths)))
    return None


def _cores_granted(text):
    """Cores of "quota period"; None without a quota, or for anything else."""
    try:
        granted, period = text.split()
        return int(granted) / int(period) if int(granted) > 0 else None
    except (ValueError, ZeroDivisionError):  # "max", or no such numbers
        return None


def _content(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""
