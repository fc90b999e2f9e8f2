"""What the CPU is, what is turned on for it, and what is recorded."""

import os
import subprocess
import sys

import pytest

from simclr_tf import cpu

ZEN_3 = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 7763 64-Core Processor
flags\t\t: fpu sse4_2 fma avx f16c avx2 bmi2

processor\t: 1
model name\t: AMD EPYC 7763 64-Core Processor
flags\t\t: fpu sse4_2 fma avx f16c avx2 bmi2
"""
GRAVITON = """processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes bf16
CPU implementer\t: 0x41
"""
AVX2 = cpu.Cpu("a CPU", frozenset(("sse4_2", "avx2")))
AVX512 = cpu.Cpu("a CPU", frozenset(("avx2", "avx512f", "avx512_bf16")))
OLD = cpu.Cpu("a CPU", frozenset(("sse4_2",)))


def test_linux_on_x86():
    found = cpu.parse_cpuinfo(ZEN_3)
    assert found.model == "AMD EPYC 7763 64-Core Processor"
    assert {"avx2", "fma"} <= found.features
    assert "avx512f" not in found.features


def test_linux_on_arm_has_no_model_name():
    found = cpu.parse_cpuinfo(GRAVITON)
    assert found.model  # what `platform` says
    assert "asimd" in found.features
    assert not cpu.onednn_helps(found)


def test_a_mac():
    found = cpu.parse_sysctl(
        "Intel(R) Core(TM) i7", "FPU SSE4.2 AVX1.0", "BMI1 AVX2 BMI2"
    )
    assert found.model == "Intel(R) Core(TM) i7"
    assert "avx2" in found.features


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_machine_is_read():
    assert cpu.read().model
    assert cpu.read().features


@pytest.mark.parametrize(
    ("found", "platform", "expected"),
    [
        (AVX2, "linux", True),
        (AVX512, "linux", True),
        (AVX2, "win32", True),
        (AVX2, "darwin", False),
        (OLD, "linux", False),
    ],
)
def test_where_onednn_helps(monkeypatch, found, platform, expected):
    monkeypatch.setattr(sys, "platform", platform)
    assert cpu.onednn_helps(found) == expected


CHILD = """
import simclr_tf
from simclr_tf import cpu
print(cpu.onednn_is_on(), cpu.record()["onednn"])
"""


def in_new_process(*, onednn=None):
    """(whether it is on, lines of ours on stderr) in a new process."""
    environment = {k: v for k, v in os.environ.items() if k != cpu.ONEDNN}
    if onednn is not None:
        environment[cpu.ONEDNN] = onednn
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    is_on, recorded = done.stdout.split()
    assert is_on == recorded
    ours = [x for x in done.stderr.splitlines() if x.startswith("simclr_tf:")]
    return is_on == "True", ours


needs_avx2 = pytest.mark.skipif(
    not cpu.onednn_helps(cpu.read()), reason="oneDNN is left alone here"
)


@needs_avx2
def test_importing_the_package_turns_onednn_on():
    assert in_new_process() == (True, [])


@needs_avx2
def test_the_user_decides():
    assert in_new_process(onednn="0") == (False, [])


def turned_on(monkeypatch, found, *, is_imported, is_on, value=None):
    """What `turn_on_onednn` leaves in the environment."""
    monkeypatch.setattr(cpu, "read", lambda: found)
    monkeypatch.setattr(cpu, "onednn_is_on", lambda: is_on)
    monkeypatch.delenv(cpu.ONEDNN, raising=False)
    if value is not None:
        monkeypatch.setenv(cpu.ONEDNN, value)
    modules = dict(sys.modules)
    if not is_imported:
        del modules["tensorflow"]
    monkeypatch.setattr(cpu.sys, "modules", modules)
    cpu.turn_on_onednn()
    return os.environ.get(cpu.ONEDNN)


def test_too_late_is_one_line(monkeypatch, capsys):
    state = {"is_imported": True, "is_on": False}
    assert turned_on(monkeypatch, AVX2, **state) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert "import it before tensorflow and keras" in line
    assert "TF_ENABLE_ONEDNN_OPTS=1" in line


@pytest.mark.parametrize(
    ("found", "state", "expected"),
    [
        (AVX2, {"is_imported": False, "is_on": False}, "1"),
        (AVX2, {"is_imported": True, "is_on": True}, None),
        (AVX2, {"is_imported": True, "is_on": False, "value": "0"}, "0"),
        (OLD, {"is_imported": False, "is_on": False}, None),
        (OLD, {"is_imported": True, "is_on": False}, None),
    ],
)
def test_otherwise_not_a_word(monkeypatch, capsys, found, state, expected):
    assert turned_on(monkeypatch, found, **state) == expected
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("found", "is_on", "expected"),
    [
        (AVX512, True, True),
        (AVX512, False, False),  # TensorFlow's own kernels do not
        (AVX2, True, False),
        (cpu.Cpu("a CPU", frozenset(("amx_bf16",))), True, True),
    ],
)
def test_where_bfloat16_is_native(monkeypatch, found, is_on, expected):
    monkeypatch.setattr(cpu, "read", lambda: found)
    monkeypatch.setattr(cpu, "onednn_is_on", lambda: is_on)
    assert cpu.multiplies_bfloat16() == expected


def test_the_record_in_words(monkeypatch):
    monkeypatch.setattr(cpu, "read", lambda: AVX2)
    monkeypatch.setattr(cpu, "onednn_is_on", lambda: False)
    monkeypatch.setattr(cpu.cores, "available", lambda: 1)
    found = cpu.record()
    assert found == {
        "cpu": "a CPU",
        "features": ["avx2"],
        "onednn": False,
        "threads": 1,
    }
    assert cpu.describe(found) == "a CPU, avx2, oneDNN off, 1 thread"
    more = found | {"onednn": True, "threads": 4}
    assert cpu.describe(more) == "a CPU, avx2, oneDNN on, 4 threads"
