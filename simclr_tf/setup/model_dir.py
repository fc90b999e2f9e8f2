"""One run per `model_dir`: its identity is written first, then checked."""

import json
import os
import platform
import tempfile

import keras
import numpy as np
import tensorflow as tf
from absl import logging

import simclr_tf
from simclr_tf import cpu, errors, files
from simclr_tf.config import Config, paths
from simclr_tf.setup import same_data

CONFIG_FILE = "config.json"
CURVE_FILE = "label_curve.json"
"""What all numbers of a label curve share, in place of a run's `config`."""
REPORT_DIRECTORY = "report"
STARTS = "schedule_starts"
"""The fact that tells at which steps an extended run began new schedules."""
LENGTHS = frozenset(("train_epochs", "train_steps", STARTS))
"""What changes where a finished run is extended."""
IMPORTED = "imported"
"""The fact that tells where the weights of a run came from."""


def check_free(config, facts):
    """Refuses a `model_dir` in which this run cannot live; writes nothing.

    Args:
        config: the run's `Config`.
        facts: see `open_run`; a folder that has grown makes another run.

    Raises:
        errors.UserError: if `model_dir` is a file, or holds a run with
            another identity or on other data.
    """
    path = config.model_dir
    check_directory(path)
    check_not_the_images(config)
    former = read_run(path)
    if former is None:
        check_no_checkpoints(path)
        return
    if IMPORTED in former["facts"]:
        raise errors.UserError(
            f"model_dir must hold no imported weights to train in; give "
            f"{path!r} as checkpoint and another model_dir"
        )
    ours = _identity(config, facts, former)
    others = same_data.facts_beside_images(facts, former["facts"])
    if is_longer(config, facts["train_steps"], former["facts"]):
        ours, others = (
            {k: v for k, v in each.items() if k not in LENGTHS}
            for each in (ours, others)
        )
    check_same(ours, former["config"].identity(), path)
    same_data.check(
        facts, former["facts"], path, accepts_change=config.accept_data_change
    )
    check_same(others, former["facts"], path)


def _identity(config, facts, former):
    """The identity of a configuration, its data set being where it was."""
    theirs = former["config"].dataset
    lists = [each.get(same_data.FILE_LIST) for each in (facts, former["facts"])]
    is_moved = same_data.is_moved(config.dataset, theirs, lists)
    return config.identity() | ({"dataset": theirs} if is_moved else {})


def is_longer(config, total_steps, former):
    """Whether a run is asked to be extended beyond its recorded end.

    Args:
        config: a `Config`.
        total_steps: that it asks for.
        former: facts of the run that `model_dir` holds.
    """
    return config.extend and total_steps > former.get("train_steps", 0)


def check_directory(path):
    """Raises `UserError` if `model_dir` is a file."""
    if tf.io.gfile.exists(path) and not tf.io.gfile.isdir(path):
        raise errors.UserError(
            f"model_dir must be a directory; {path!r} is a file"
        )


def check_not_the_images(config):
    """Raises `UserError` if a run would lie among the images it sees.

    Its own pictures would be images the next time; in a folder of their own
    below it they are left out.
    """
    folder = config.dataset.removeprefix(paths.FOLDER_PREFIX)
    is_folder = folder != config.dataset
    if is_folder and _real(folder) == _real(config.model_dir):
        raise errors.UserError(
            f"model_dir must not be the folder of images; got "
            f"{config.model_dir!r}"
        )


def _real(path):
    return path.rstrip("/") if "://" in path else os.path.realpath(path)


def check_no_run(path, reason):
    """Raises `UserError` if `model_dir` is a file, or that of one run.

    Args:
        path: the `model_dir`.
        reason: why it must not be.
    """
    check_directory(path)
    if read_run(path) is not None:
        raise errors.UserError(
            f"model_dir must hold no run, as {reason}; got {path!r}"
        )


def check_no_checkpoints(path):
    """Refuses a directory without a run in which checkpoints lie.

    They are not this program's to overwrite, or to sweep.

    Args:
        path: the `model_dir`.

    Raises:
        errors.UserError: naming one of them.
    """
    names = tf.io.gfile.listdir(path) if tf.io.gfile.isdir(path) else []
    found = sorted(name for name in names if name.endswith(".index"))
    if found:
        raise errors.UserError(
            f"model_dir must hold no checkpoints but its run's own; {path!r} "
            f"holds {found[0]!r} and no {CONFIG_FILE}"
        )


def make_directory(path):
    """Creates `model_dir`, if need be.

    Raises:
        errors.UserError: if it cannot be created, or written in.
    """
    check_directory(path)
    try:
        tf.io.gfile.makedirs(path)
    except tf.errors.OpError as error:
        raise errors.UserError(
            f"model_dir must be writable; {path!r}: {error.message}"
        ) from error
    if "://" not in path:
        _check_takes_files(path)


def _check_takes_files(path):
    try:
        with tempfile.TemporaryFile(dir=path):
            return
    except OSError as error:
        raise errors.UserError(
            f"model_dir must be writable; {path!r}: {error.strerror}"
        ) from error


def report_path(directory, name):
    """Path of a file in `report/` of a run, which is made if it is absent.

    Args:
        directory: the run's `model_dir`.
        name: of the file.
    """
    report = os.path.join(directory, REPORT_DIRECTORY)
    tf.io.gfile.makedirs(report)
    return os.path.join(report, name)


def open_run(config, facts, *, step=0):
    """Claims `model_dir` for a training run, new or resumed.

    Args:
        config: the run's `Config`, see `check_free`.
        facts: JSON-able numbers of the run (examples, classes, steps), for
            those who open it later without its command line.
        step: at which it begins or goes on.

    Raises:
        errors.UserError: if `model_dir` cannot be written.
    """
    path = config.model_dir
    make_directory(path)
    former = read_run(path)
    if former is not None:
        tell_of_moved_folder(config, former)
        facts = same_data.with_changes(facts, former["facts"], step=step)
    try:
        files.write_json(
            os.path.join(path, CONFIG_FILE),
            {
                "config": json.loads(config.to_json()),
                "facts": facts,
                "versions": versions(),
                "machine": cpu.record(),
            },
        )
    except tf.errors.OpError as error:
        raise errors.UserError(
            f"model_dir must be writable; {path!r}: {error.message}"
        ) from error


def tell_of_moved_folder(config, former):
    """Says where the images of a run were before, if they were elsewhere."""
    was, now = former["config"].dataset, config.dataset
    if was != now:
        logging.info(
            "the images of this run are in %r now, not in %r", now, was
        )


def read_run(path):
    """The contents of a run's `config.json`, or None where there is none.

    Raises:
        errors.UserError: if the file is there and cannot be understood.
    """
    name = os.path.join(path, CONFIG_FILE)
    try:
        content = files.read_json(name)
        config = Config.from_json(json.dumps(content["config"]))
        return {"config": config, "facts": dict(content["facts"])}
    except (tf.errors.NotFoundError, tf.errors.FailedPreconditionError):
        return None  # the latter for a path below a file
    except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
        raise errors.UserError(
            f"model_dir must hold a whole {CONFIG_FILE}; {name!r}: {error}"
        ) from error


def recall_run(config):
    """Takes every field the user did not set from the run in `model_dir`.

    Args:
        config: a `Config` for evaluation or export.

    Returns:
        (the completed `Config`, the run's facts). `model_dir` is where the
        run was found; `checkpoint` is set only where it is one of the run's,
        not where the run started from it.

    Raises:
        errors.UserError: if there is no run, a field that was set differs
            from its identity, or `checkpoint` has nothing to do with it.
    """
    path = config.model_dir or run_of(config.checkpoint)
    former = read_run(path)
    if former is None:
        raise errors.UserError(
            f"model_dir must hold a run (a {CONFIG_FILE}) to evaluate or "
            f"export; got {path!r}"
        )
    check_facts(former["facts"], path)
    theirs = former["config"].identity()
    if IMPORTED in former["facts"]:  # made by no run: a network alone
        theirs = former["config"].architecture()
    asked = {name: getattr(config, name) for name in config.explicit}
    compared = {k: v for k, v in asked.items() if k in theirs}
    dataset = compared.get("dataset", former["config"].dataset)
    if same_data.is_moved_folder(dataset, former):
        del compared["dataset"]
    check_same(compared, theirs, path)
    here = {
        "model_dir": path,
        "export_dir": config.export_dir,
        "checkpoint": _own_checkpoint(config, former["config"], path),
    }
    return former["config"].replace(**(asked | here)), former["facts"]


def check_facts(facts, path):
    """Raises `UserError` if facts lack what evaluation and export need."""
    for name in ("num_classes", "train_steps"):
        if name not in facts:
            raise errors.UserError(
                f"model_dir must hold a whole {CONFIG_FILE}; that in "
                f"{path!r} has no {name}"
            )


def _own_checkpoint(config, former, path):
    """`config.checkpoint` if it is of the run, None if it came before it."""
    given = config.checkpoint
    if given is None or given == former.checkpoint:
        return None
    if run_of(given).rstrip("/") == path.rstrip("/"):
        return given
    if config.mode == "train_then_eval":
        return None
    raise errors.UserError(
        f"checkpoint must lie in model_dir, which holds a run, {path!r}; got "
        f"{given!r}"
    )


def run_of(checkpoint):
    """The directory a checkpoint lies in, itself if it is one."""
    prefix = checkpoint.removesuffix(".index")
    # On ram:// a prefix counts as a folder, so the file is asked for first.
    if tf.io.gfile.exists(f"{prefix}.index"):
        return os.path.dirname(prefix)
    return checkpoint


def versions():
    """Versions of what numbers depend on."""
    return {
        "simclr_tf": simclr_tf.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def check_same(ours, theirs, path, *, kind="run"):
    """Raises `UserError` at the first value that differs from a record's.

    Args:
        ours: dict of name -> value asked for.
        theirs: dict of what is recorded in `path`.
        path: a directory.
        kind: of what it holds.
    """
    for name, value in ours.items():
        if value != theirs.get(name):
            raise errors.UserError(
                f"model_dir must hold no other {kind}; {path!r} has "
                f"{name}={theirs.get(name)!r}, asked for {name}={value!r}"
                f"{_way_on(name) if kind == 'run' else ''}"
            )


def _way_on(name):
    """How to get what was asked for, where it is not plain; else ""."""
    if name not in LENGTHS:
        return ""
    return (
        "; to train a finished run longer add --extend, which starts a new "
        "schedule from its last weights"
    )
