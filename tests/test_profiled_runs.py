"""`--profile` on a whole run."""

import glob

import pytest
from command_line import TINY, assert_same_values, metric_lines, run, values


@pytest.mark.slow
def test_a_profiled_run_trains_the_same_and_tells_where_time_went(tmp_path):
    plain, profiled = tmp_path / "plain", tmp_path / "profiled"
    assert run(*TINY, f"--model_dir={plain}").code == 0
    outcome = run(*TINY, f"--model_dir={profiled}", "--profile", traced=True)
    assert outcome.code == 0, outcome.lines
    told = [line for line in outcome.lines if line.startswith("profile: ")]
    assert len(told) == 1
    assert "% of the time was spent waiting for input" in told[0]
    assert f"trace for TensorBoard in {profiled}/profile" in told[0]
    assert glob.glob(f"{profiled}/profile/plugins/profile/*/*.xplane.pb")
    shares = [
        row["train/input_wait_share"]
        for row in metric_lines(profiled)
        if "train/input_wait_share" in row
    ]
    assert shares
    assert all(0 <= share <= 1 for share in shares)
    assert_same_values(values(profiled, 6), values(plain, 6))
