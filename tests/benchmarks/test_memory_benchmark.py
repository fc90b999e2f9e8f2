"""The benchmark of the memory estimate; nothing here is timed."""

import json

import pytest

from simclr_tf import errors
from simclr_tf.benchmarks import memory


def test_a_case_is_a_configuration():
    config = memory.configuration("50:64:16:bfloat16:micro=4:remat")
    assert (config.resnet_depth, config.image_size) == (50, 64)
    assert (config.train_batch_size, config.microbatch_size) == (16, 4)
    assert config.precision == "bfloat16"
    assert config.remat


def test_every_case_of_the_benchmark_is_one():
    configs = [memory.configuration(case) for case in memory.CASES]
    assert len(set(configs)) == len(configs) >= 6
    assert {config.precision for config in configs} == {"float32", "bfloat16"}
    assert {config.resnet_depth for config in configs} == {18, 50}


@pytest.mark.parametrize("case", ["", "18:32", "18:32:x", "18:32:4:fast"])
def test_what_is_no_case(case):
    with pytest.raises(errors.UserError, match="cases must be depth"):
        memory.configuration(case)


@pytest.mark.slow
def test_estimate_and_peak_in_a_fresh_process(capsys, tmp_path):
    path = tmp_path / "memory.jsonl"
    # Large enough that activations count, small enough to be quick.
    memory.main(["--cases=18:32:32:nojit", f"--output={path}"])
    found = json.loads(path.read_text())
    assert found == json.loads(capsys.readouterr().out)
    assert found["case"] == {"case": "18:32:32:nojit"}
    assert sum(found["parts_mb"].values()) == pytest.approx(
        found["estimate_mb"]
    )
    assert found["ratio_estimate_to_measured"] == pytest.approx(1.0, abs=0.25)
