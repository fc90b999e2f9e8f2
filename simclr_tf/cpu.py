"""The CPU of this machine, and how TensorFlow is told to use it.

TensorFlow takes oneDNN's kernels by itself only on CPUs with AVX-512 VNNI or
the like. An environment variable that it reads while it is imported decides, so
it is set when this package is imported, unless the user has set it.
"""

import functools
import os
import platform
import re
import subprocess
import sys
from typing import NamedTuple

from simclr_tf import cores

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
NATIVE_BFLOAT16 = frozenset(("avx512_bf16", "amx_bf16"))
"""Instructions that multiply bfloat16 and add in float32."""
NOTABLE = frozenset(
    ("avx2", "avx_vnni", "avx512f", "avx512_vnni", *NATIVE_BFLOAT16)
)
"""What decides which kernels run; the other features do not matter here."""
_CPUINFO = "/proc/cpuinfo"
_MAC_KEYS = (
    "machdep.cpu.brand_string",
    "machdep.cpu.features",
    "machdep.cpu.leaf7_features",
)


class Cpu(NamedTuple):
    """What the system says of the CPU.

    Attributes:
        model: its name.
        features: instruction sets in Linux' spelling, such as "avx2"; a
            frozenset, empty where the system does not tell.
    """

    model: str
    features: frozenset


def turn_on_onednn():
    """Turns oneDNN on where it helps and the user has not decided.

    Where TensorFlow has been imported before and goes without, one line on
    stderr says that it is too late.
    """
    if not onednn_helps(read()) or ONEDNN in os.environ:
        return
    if "tensorflow" not in sys.modules:
        os.environ[ONEDNN] = "1"
    elif not onednn_is_on():
        print(
            "simclr_tf: import it before tensorflow and keras, or set "
            f"{ONEDNN}=1: this CPU trains several times faster with oneDNN, "
            "which is now off",
            file=sys.stderr,
        )


def onednn_helps(cpu):
    """Whether oneDNN's kernels are faster than TensorFlow's own on a `Cpu`.

    Measured on AVX2 and on AVX-512 (docs/performance.md). TensorFlow's build
    for the Mac has no oneDNN, and on other CPUs the choice is TensorFlow's.
    """
    return sys.platform != "darwin" and "avx2" in cpu.features


def onednn_is_on():
    """Whether this process computes with oneDNN's kernels; a bool.

    It asks TensorFlow, and imports it.
    """
    # The one place that tells; not among the exported names.
    from tensorflow.python.util import _pywrap_util_port

    return bool(_pywrap_util_port.IsMklEnabled())


def multiplies_bfloat16():
    """Whether this process multiplies bfloat16 natively on the CPU.

    TensorFlow's own kernels do not; oneDNN's do where the CPU can.
    """
    return onednn_is_on() and bool(NATIVE_BFLOAT16 & read().features)


def record():
    """What the last digits of a result depend on: a JSON-able dict."""
    cpu = read()
    return {
        "cpu": cpu.model,
        "features": sorted(cpu.features & NOTABLE),
        "onednn": onednn_is_on(),
        "threads": cores.available(),
    }


def describe(found):
    """A `record` in words, such as "AMD EPYC, avx2, oneDNN on, 2 threads"."""
    switch = "on" if found["onednn"] else "off"
    plural = "" if found["threads"] == 1 else "s"
    parts = (
        found["cpu"],
        *found["features"],
        f"oneDNN {switch}",
        f"{found['threads']} thread{plural}",
    )
    return ", ".join(parts)


@functools.cache
def read():
    """The `Cpu` of this machine."""
    if os.path.exists(_CPUINFO):
        with open(_CPUINFO, encoding="utf-8", errors="replace") as file:
            return parse_cpuinfo(file.read())
    if sys.platform == "darwin":
        return parse_sysctl(*map(_sysctl, _MAC_KEYS))
    return Cpu(platform.processor() or platform.machine(), frozenset())


def parse_cpuinfo(text):
    """The `Cpu` of Linux' /proc/cpuinfo, which has a paragraph per core."""
    found = dict(re.findall(r"^([^\t:]+)\s*:[ \t]*(.*)$", text, re.MULTILINE))
    features = found.get("flags", found.get("Features", ""))
    model = found.get("model name", "").strip() or platform.machine()
    return Cpu(model, frozenset(features.split()))


def parse_sysctl(model, *features):
    """The `Cpu` of a Mac, where features are in capitals: "AVX2"."""
    return Cpu(model, frozenset(" ".join(features).lower().split()))


def _sysctl(key):
    """A value of the Mac's kernel; "" for a key it does not have."""
    try:
        done = subprocess.run(
            ["/usr/sbin/sysctl", "-n", key],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()
