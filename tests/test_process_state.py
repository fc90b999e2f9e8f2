"""Nothing of the caller's process is changed by a call of the library."""

import decimal
import gc
import locale
import logging as python_logging
import os
import random
import signal
import sys
import threading
import warnings

import keras
import matplotlib as mpl
import numpy as np
import pytest
import sklearn.metrics  # noqa: F401  (sets a variable when it is imported)
import tensorflow as tf
import tensorflow_datasets  # noqa: F401  (the same)
from absl import logging
from tensorflow.python.eager import context as tf_context

import simclr_tf
from simclr_tf import distribution
from simclr_tf.commands import export
from simclr_tf.config import Config
from simclr_tf.exports import keras_file, onnx_file
from simclr_tf.setup import networks
from simclr_tf.training import console

LOGGERS = ("absl", "tensorflow", "keras", "matplotlib", "tf2onnx", "h5py")
RUN = {
    "dataset": "digits",
    "eval_split": "test",
    "image_size": 8,
    "resnet_depth": 10,
    "width_multiplier": 1 / 8,
    "proj_out_dim": 4,
    "train_batch_size": 32,
    "train_steps": 2,
    "warmup_epochs": 0,
    "jit": "off",
    "seed": 11,
}
TINY = {k: RUN[k] for k in ("image_size", "resnet_depth", "width_multiplier")}


def numbers_of_process():
    """Everything random that a program may have seeded."""
    return {
        "python": random.getstate(),
        "numpy": [str(part) for part in np.random.get_state()],
        "tensorflow": tf_context.global_seed(),
        "keras": keras.src.utils.rng_utils.get_random_seed(),
    }


def logging_of_process():
    handler = logging.get_absl_handler()
    loggers = [python_logging.getLogger(name) for name in LOGGERS]
    loggers.append(python_logging.getLogger())
    return {
        "verbosity": logging.get_verbosity(),
        "loggers": [
            {k: str(v) for k, v in vars(each).items() if k != "_cache"}
            for each in loggers
        ],
        "handler": (handler.level, tuple(handler.filters)),
        "format": handler.python_handler.formatter,
        "tensorflow": tf.get_logger().level,
        "disabled": python_logging.root.manager.disable,
        "warnings": list(warnings.filters),
        "showwarning": warnings.showwarning,
    }


def settings_of_frameworks():
    config = tf.config
    return {
        "tf32": config.experimental.tensor_float_32_execution_enabled(),
        "eagerly": config.functions_run_eagerly(),
        "jit": config.optimizer.get_jit(),
        "optimizer": config.optimizer.get_experimental_options(),
        "placement": config.get_soft_device_placement(),
        "threads": (
            config.threading.get_inter_op_parallelism_threads(),
            config.threading.get_intra_op_parallelism_threads(),
        ),
        "devices": [each.name for each in config.list_logical_devices()],
        "strategy": tf.distribute.has_strategy(),
        "floatx": keras.config.floatx(),
        "epsilon": keras.config.epsilon(),
        "layout": keras.config.image_data_format(),
        "backend": keras.config.backend(),
        "policy": keras.config.dtype_policy().name,
        "traceback": keras.config.is_traceback_filtering_enabled(),
        "safe": keras.src.saving.serialization_lib.in_safe_mode(),
        "scope": dict(keras.saving.get_custom_objects()),
        "matplotlib": dict(mpl.rcParams),
        "errors": np.geterr(),
        "printing": np.get_printoptions(),
    }


def settings_of_python():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    umask = os.umask(0o077)
    os.umask(umask)
    return {
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "umask": umask,
        "signals": [signal.getsignal(number) for number in numbers],
        "streams": (sys.stdout, sys.stderr, sys.stdin),
        "hooks": (sys.excepthook, sys.displayhook, threading.excepthook),
        "path": list(sys.path),
        "recursion": sys.getrecursionlimit(),
        "switching": sys.getswitchinterval(),
        "locale": locale.setlocale(locale.LC_ALL),
        "collector": (
            gc.isenabled(),
            gc.get_threshold(),
            gc.get_freeze_count(),
        ),
        "decimals": str(decimal.getcontext()),
    }


def state():
    return (
        numbers_of_process()
        | {f"logging: {k}": v for k, v in logging_of_process().items()}
        | {f"framework: {k}": v for k, v in settings_of_frameworks().items()}
        | {f"python: {k}": v for k, v in settings_of_python().items()}
    )


@pytest.fixture
def assert_kept():
    """A call runs a function and compares the process before and after."""
    random.seed(5)
    np.random.seed(6)
    tf.random.set_seed(7)
    logging.set_verbosity(logging.ERROR)
    own = python_logging.StreamHandler(sys.stderr)
    python_logging.root.addHandler(own)

    def call(function, *args, but=(), **named):
        before = state()
        result = function(*args, **named)
        after = state()
        changed = {k for k, v in before.items() if str(v) != str(after[k])}
        assert changed <= set(but)
        return result

    yield call
    python_logging.root.removeHandler(own)
    logging.set_verbosity(logging.INFO)


def test_making_and_writing_a_model(assert_kept, tmp_path):
    config = Config(model_dir="d", **RUN)
    for make in (networks.make_eval_model, networks.make_model):
        more = {"sync_bn": False} if make is networks.make_model else {}
        model = assert_kept(make, config, num_classes=3, **more)
    assert_kept(
        networks.make_train_state,
        config,
        num_classes=3,
        total_steps=2,
        warmup_steps=0,
    )
    assert_kept(keras_file.write, model, str(tmp_path), image_size=8)
    wide = config.replace(precision="bfloat16")
    model = networks.make_eval_model(wide, num_classes=3)
    assert_kept(onnx_file._in_float32, model.encoder, 8)


def test_loading_a_model(assert_kept, pretrained):
    assert_kept(simclr_tf.load_model, pretrained)


@pytest.mark.parametrize("tf32", [False, True])
def test_a_model_of_other_products_is_told_of(
    pretrained, assert_kept, monkeypatch, tf32
):
    """TF32 is the caller's; the run's was on, by default."""
    monkeypatch.setattr(distribution, "has_tf32", lambda: True)
    switch = tf.config.experimental
    former = switch.tensor_float_32_execution_enabled()
    switch.enable_tensor_float_32_execution(tf32)
    said = []
    monkeypatch.setattr(logging, "warning", lambda *text: said.append(text[0]))
    try:
        assert_kept(simclr_tf.load_model, pretrained)
        assert bool(said) != tf32
        with pytest.raises(simclr_tf.UserError, match="tf32 must not be given"):
            simclr_tf.load_model(pretrained, tf32=tf32)
    finally:
        switch.enable_tensor_float_32_execution(former)


def test_functions_and_classes(assert_kept, images):
    pair = assert_kept(
        simclr_tf.sample_views, 0, np.arange(4), height=8, width=8
    )
    assert_kept(simclr_tf.apply_views, images, pair[0], image_size=8)
    for loss in (simclr_tf.nt_xent, simclr_tf.nt_xent_streaming):
        assert_kept(loss, np.eye(4, dtype=np.float32))
    assert_kept(simclr_tf.LARS, 0.1)
    assert_kept(simclr_tf.Config, model_dir="d", **RUN)
    assert_kept(simclr_tf.UserError, "text")
    # Any layer of Keras draws the seeds of its weights from Python's generator.
    drawn = {"python"}
    assert_kept(simclr_tf.ProjectionHead, but=drawn)
    encoder = assert_kept(simclr_tf.ResNet, 10, width=0.125, but=drawn)
    model = assert_kept(simclr_tf.SimCLR, encoder, but=drawn)
    assert_kept(model.build_on, 8, but=drawn)
    assert_kept(model.predict, images, verbose=0)


def test_functions_of_keras_users(assert_kept, images, tmp_path):
    drawn = {"python"}
    data = (images, np.arange(4) % 2)
    train = assert_kept(simclr_tf.open_dataset, "digits", "train[:40]")
    for make in (simclr_tf.RandomViews, simclr_tf.NTXent):
        assert_kept(make, but=drawn)
    schedule = {"peak": 0.1, "warmup_steps": 0, "total_steps": 2}
    rate = assert_kept(simclr_tf.WarmupCosine, **schedule)
    optimizer = assert_kept(simclr_tf.LAMB, rate)
    encoder = simclr_tf.ResNet(10, width=0.125, stem="cifar")
    model = simclr_tf.SimCLR(encoder, sync_bn=False).build_on(8)
    assert_kept(model.compile, optimizer, jit_compile=False)
    callback = assert_kept(simclr_tf.KNNCallback, data, data)
    told = {"batch_size": 16, "verbose": 0, "callbacks": [callback]}
    assert_kept(model.fit, train.images, but=drawn, **told)
    assert_kept(model.evaluate, train.images, batch_size=16, verbose=0)
    assert_kept(simclr_tf.embed, model, images)
    assert_kept(simclr_tf.knn_accuracy, model, data, data)
    digits = (train.images, train.labels)
    assert_kept(simclr_tf.linear_probe, model, digits, digits)
    few = {"labels_per_class": (1,), "num_draws": 2}
    assert_kept(simclr_tf.few_label_accuracy, model, digits, digits, **few)
    assert_kept(simclr_tf.export, model, tmp_path / "out", image_size=8)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((4, 8, 8, 3), dtype=np.float32)


TESTED_HERE = {
    "Config", "KNNCallback", "LAMB", "LARS", "NTXent", "ProjectionHead",
    "RandomViews", "ResNet", "SavedModelLayer", "SimCLR", "UserError",
    "WarmupCosine", "apply_views", "distill", "embed", "evaluate", "export",
    "few_label_accuracy", "finetune", "knn_accuracy", "linear_probe",
    "load_model", "nt_xent", "nt_xent_streaming", "open_dataset", "pretrain",
    "sample_views",
}  # fmt: skip


def test_every_public_name_is_looked_at():
    assert set(simclr_tf.__all__) - {"__version__"} == TESTED_HERE


def test_a_run_that_fails(assert_kept, tmp_path):
    def refused():
        config = Config(model_dir=str(tmp_path / "d"), **RUN | {"tf32": True})
        with pytest.raises(simclr_tf.UserError):
            simclr_tf.pretrain(config)

    assert_kept(refused)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_training_and_scoring(assert_kept, tmp_path, monkeypatch):
    """Each in turn on what the one before has left."""
    first, tuned, student = (str(tmp_path / name) for name in "abc")
    switch = tf.config.experimental
    switch.enable_tensor_float_32_execution(False)  # runs turn it on
    assert_kept(simclr_tf.pretrain, Config(model_dir=first, **RUN))
    labels = {"labels_per_class": 4, "train_mode": "finetune"}
    config = Config(model_dir=tuned, checkpoint=first, **RUN | labels)
    assert_kept(simclr_tf.finetune, config)
    config = Config(
        model_dir=student, teacher=tuned, train_mode="distill", **RUN
    )
    assert_kept(simclr_tf.distill, config)
    monkeypatch.setattr(console, "show", lambda _: None)
    assert_kept(simclr_tf.evaluate, Config(mode="eval", model_dir=tuned))
    exported = f"{tuned}/{export.PARENTS['savedmodel']}/2"
    layer = assert_kept(simclr_tf.SavedModelLayer, exported)
    assert layer.built
    switch.enable_tensor_float_32_execution(True)
