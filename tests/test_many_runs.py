"""Many runs in one process: what they trace is let go."""

import command_line
import live_graphs
import pytest

RUNS = {
    "seeds": ("--num_seeds=2", "--jit=auto"),
    "replicas": ("--num_replicas=2",),
    "streaming loss": ("--nt_xent=streaming", "--remat"),
    "evaluations": ("--mode=train_then_eval",),
}
CURVE = (
    "--mode=label_curve",
    "--dataset=digits",
    "--eval_split=test",
    "--image_size=8",
    "--curve_methods=finetune",
    "--label_fractions=0.1,1",
    "--train_steps=2",
    "--train_batch_size=32",
    "--warmup_epochs=0",
    "--jit=off",
)


def graphs_after(arguments, directory, *, times):
    """Live graphs after each of several equal runs in one process."""
    found = []
    for number in range(times):
        place = f"--model_dir={directory}/{number}"
        outcome = command_line.run(*arguments, place, traced=True)
        assert outcome.code == 0, outcome.lines
        found.append(live_graphs.count())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNS)
def test_runs_leave_no_graph_behind(kind, tmp_path):
    arguments = (*command_line.TINY, "--train_steps=2", *RUNS[kind])
    first, *others = graphs_after(arguments, tmp_path, times=3)
    assert others == [first, first]


@pytest.mark.slow
def test_curves_leave_no_graph_behind(pretrained, tmp_path):
    arguments = (*CURVE, f"--checkpoint={pretrained}")
    first, second = graphs_after(arguments, tmp_path, times=2)
    assert first == second
