"""Which state of devices a mode computes in, and what is refused."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from command_line import TINY, run

import simclr_tf
from simclr_tf import distribution, errors
from simclr_tf.commands import compare
from simclr_tf.config import Config
from simclr_tf.data import digits
from simclr_tf.evaluation import cache
from simclr_tf.scoring import frozen_features
from simclr_tf.setup import devices, networks

REFUSAL = (
    "tf32 must be off, or not given, where there is no GPU with TF32 (compute "
    "capability 8.0 or higher); got True"
)
IN_PLACE = ("eval", "export")  # of the run in `model_dir`
FLAGS = {
    "train": TINY,
    "train_then_eval": TINY,
    "eval": (),
    "export": (),
    "import": (),
    "plan": TINY,
    "compare": (),
    "label_curve": ("--label_fractions=0.1", *TINY),
}


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({"worker": ["a:1", "b:1"]}, "one worker at most.*got 2"),
        ({"chief": ["a:1"], "worker": ["b:1"]}, "one worker at most.*got 2"),
        ([], "must be JSON with a cluster"),
        ({"worker": 3}, "must be JSON with a cluster"),
    ],
)
def test_several_workers_are_refused(monkeypatch, tmp_path, cluster, words):
    """Each would train alone, into one directory."""
    text = json.dumps({"cluster": cluster} if cluster else cluster)
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(errors.UserError, match=words):
        devices.prepare(Config(model_dir=str(tmp_path)))


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"environment": "cloud", "task": {"type": "master"}},
        {"cluster": {}},
        {"cluster": {"worker": ["a:1"]}},
    ],
)
def test_one_worker_is_as_none(monkeypatch, tmp_path, content):
    monkeypatch.setenv("TF_CONFIG", json.dumps(content))
    devices.prepare(Config(model_dir=str(tmp_path)))


TRAINING = ("train", "train_then_eval", "plan", "label_curve")
"""Modes that divide a batch among replicas."""


@pytest.mark.parametrize("mode", TRAINING)
@pytest.mark.parametrize(
    ("flag", "line"),
    [
        (
            "--num_replicas=9",
            "num_replicas must be at most the number of devices, 4; got 9",
        ),
        (
            "--num_replicas=3",
            "train_batch_size must be divisible by the number of replicas, 3; "
            "got 64",
        ),
    ],
)
def test_replicas_are_refused_before_the_checkpoint_is_read(
    tmp_path, mode, flag, line
):
    """It is not there, which would be said of it."""
    absent = f"--checkpoint={tmp_path}/absent"
    given = arguments(mode, tmp_path, tmp_path / "run")
    assert run(flag, *given, absent).lines == [f"simclr-tf: {line}"]
    assert not list(tmp_path.iterdir())


def test_what_trains_nothing_asks_for_no_replicas(tmp_path):
    devices.prepare(
        Config(mode="eval", model_dir=str(tmp_path), num_replicas=9)
    )


class Computing(Exception):
    """Raised instead of computing, with the state of the devices."""


@pytest.fixture
def tf32_gpu(monkeypatch):
    """Here is a GPU that has TF32, as far as flags can tell."""
    monkeypatch.setattr(distribution, "has_tf32", lambda: True)


@pytest.fixture
def state_at_first_use(monkeypatch):
    """A call runs a function until it computes: was TF32 on?

    TF32 is the other way round before.
    """
    config = tf.config.experimental
    before = config.tensor_float_32_execution_enabled()

    def stop(*_, **__):
        raise Computing(config.tensor_float_32_execution_enabled())

    for owner, name in (
        (networks, "make_eval_model"),
        (networks, "make_train_state"),
        (compare, "run"),
    ):
        monkeypatch.setattr(owner, name, stop)

    def state(function, *arguments, expected, **named):
        config.enable_tensor_float_32_execution(not expected)
        with pytest.raises(Computing) as caught:
            function(*arguments, **named)
        return caught.value.args[0]

    yield state
    config.enable_tensor_float_32_execution(before)


def arguments(mode, pretrained, directory):
    """The command line of a mode, with the run it starts from."""
    where = pretrained if mode in IN_PLACE else directory
    given = [f"--mode={mode}", f"--model_dir={where}", *FLAGS[mode]]
    if mode in ("import", "label_curve"):
        given.append(f"--checkpoint={pretrained}")
    if mode == "compare":
        given.append(f"--compare_with={pretrained}")
    return given


def test_every_mode_is_looked_at():
    field = Config.__dataclass_fields__["mode"]
    assert set(FLAGS) == set(field.metadata["choices"])


@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize("mode", sorted(set(FLAGS) - {"compare"}))
def test_every_mode_sets_it(
    pretrained, tmp_path, state_at_first_use, tf32_gpu, mode, tf32
):
    given = arguments(mode, pretrained, tmp_path)
    flag = f"--{'tf32' if tf32 else 'notf32'}"
    assert state_at_first_use(run, flag, *given, expected=tf32) == tf32


@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize(
    ("function", "values"),
    [
        (simclr_tf.pretrain, {}),
        (
            simclr_tf.finetune,
            {"train_mode": "finetune", "from_scratch": True},
        ),
        (simclr_tf.distill, {"train_mode": "distill", "teacher": "{}"}),
        (simclr_tf.evaluate, {"mode": "eval", "model_dir": "{}"}),
    ],
)
def test_every_function_sets_it(
    pretrained, tmp_path, state_at_first_use, tf32_gpu, function, values, tf32
):
    known = {
        "dataset": "digits",
        "model_dir": str(tmp_path / "run"),
        "warmup_epochs": 0,
        "image_size": 8,
        "train_batch_size": 64,
    }
    if "mode" in values:
        known = {}
    values = {
        k: v.format(pretrained) if isinstance(v, str) else v
        for k, v in values.items()
    }
    config = Config(tf32=tf32, **known | values)
    assert state_at_first_use(function, config, expected=tf32) == tf32


@pytest.fixture
def without_tf32(pretrained, tmp_path):
    """A run that was trained without TF32."""
    directory = shutil.copytree(pretrained, tmp_path / "without")
    path = directory / "config.json"
    record = json.loads(path.read_text())
    record["config"]["tf32"] = False
    path.write_text(json.dumps(record))
    return str(directory)


@pytest.mark.parametrize("mode", IN_PLACE)
def test_a_run_is_scored_as_it_was_trained(
    without_tf32, state_at_first_use, tf32_gpu, mode
):
    given = [f"--mode={mode}", f"--model_dir={without_tf32}"]
    assert not state_at_first_use(run, *given, expected=False)
    assert state_at_first_use(run, "--tf32", *given, expected=True)


@pytest.mark.parametrize("mode", FLAGS)
def test_tf32_is_refused_where_there_is_none(mode, tmp_path):
    """Before anything is read: the run that is named is not there either."""
    given = arguments(mode, tmp_path / "absent", tmp_path / "run")
    outcome = run("--tf32", *given)
    assert outcome.code == 1
    assert outcome.lines == [f"simclr-tf: {REFUSAL}"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["pretrain", "evaluate"])
def test_functions_refuse_it_too(name, tmp_path):
    config = Config(model_dir=str(tmp_path / "run"), tf32=True)
    with pytest.raises(simclr_tf.UserError) as caught:
        getattr(simclr_tf, name)(config)
    assert str(caught.value) == REFUSAL
    assert not list(tmp_path.iterdir())


def test_a_tpu_has_none(tf32_gpu):
    with pytest.raises(simclr_tf.UserError, match="tf32 must be off"):
        devices.prepare(Config(model_dir="d", tf32=True, use_tpu=True))


@pytest.mark.parametrize("values", [{}, {"tf32": False}])
def test_what_is_no_wish_for_it_is_accepted(values):
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    devices.prepare(Config(model_dir="d", **values))
    tf.config.experimental.enable_tensor_float_32_execution(before)


class TestFeatures:
    """What is kept of an encoder is looked up by all that changes it."""

    @pytest.fixture
    def facts_of(self, monkeypatch):
        """The facts by which a configuration looks features up."""
        found = []
        monkeypatch.setattr(
            cache,
            "load_or_extract",
            lambda directory, facts, extract: found.append(facts) or {},
        )
        source = digits.open_digits("test")

        def facts_of(**values):
            config = Config(
                model_dir="d", resnet_depth=10, width_multiplier=0.125, **values
            )
            model = networks.make_eval_model(config, num_classes=None)
            frozen_features.FrozenFeatures(config, model).load(source)
            return found[-1]

        return facts_of

    def test_arithmetic_tells_them_apart(self, facts_of, tf32_gpu):
        cases = ({}, {"tf32": False}, {"precision": "bfloat16"})
        assert len({facts_of(image_size=8, **each) for each in cases}) == 3

    def test_image_size_tells_them_apart(self, facts_of):
        assert facts_of(image_size=8) != facts_of(image_size=12)

    def test_tf32_without_such_a_gpu_does_not(self, facts_of):
        plain = facts_of(image_size=8)
        assert facts_of(image_size=8, tf32=False) == plain

    def test_what_does_not_change_inference_does_not(self, facts_of):
        images = np.random.default_rng(0).random((2, 8, 8, 3), "float32")
        config = Config(
            model_dir="d",
            resnet_depth=10,
            width_multiplier=0.125,
            image_size=8,
        )
        fused, plain = (
            networks.make_eval_model(each, num_classes=None)(images).features
            for each in (config, config.replace(fused_bn=False))
        )
        np.testing.assert_array_equal(fused, plain)
        plain = facts_of(image_size=8)
        assert facts_of(image_size=8, fused_bn=False) == plain


def test_the_tpu_flags_reach_the_strategy(monkeypatch):
    monkeypatch.setattr(distribution, "make_strategy", lambda **kw: kw)
    asked = Config(
        dataset="digits", model_dir="d",
        use_tpu=True, tpu_name="t", tpu_zone="z", gcp_project="p",
        num_replicas=2,
    )  # fmt: skip
    assert devices.make_strategy(asked) == {
        "tpu": distribution.TpuAddress("t", "z", "p"),
        "num_replicas": 2,
    }
    assert (
        devices.make_strategy(Config(dataset="digits", model_dir="d"))["tpu"]
        is None
    )
