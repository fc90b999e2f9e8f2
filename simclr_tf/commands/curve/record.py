"""What all numbers of a label-efficiency curve share, kept beside them.

A curve goes on in its `model_dir` with other methods, fractions and seeds.
Whatever else a number depends on has to be the same, or one table would hold
the numbers of two experiments.
"""

import json
import os

import tensorflow as tf

from simclr_tf import files
from simclr_tf.commands.curve import trainings
from simclr_tf.config import paths
from simclr_tf.setup import model_dir

BEYOND_IDENTITY = (
    "eval_split",
    "eval_steps",
    "precision",
    "tf32",
    "variable_schema",
    "holdout_fraction",
    "probe_l2",
    "knn_neighbors",
    "knn_temperature",
    "knn_grid",
    "scratch_train_epochs",
    "scratch_learning_rate",
)
"""What numbers depend on, too, though no run of training resumed does."""


def claim(config, encoder):
    """Claims `model_dir` for a curve, new or gone on with.

    Args:
        config: the `Config` of the curve, architecture and all.
        encoder: the `fingerprint.Fingerprint` of the checkpoint.

    Raises:
        errors.UserError: if there is another curve, or `model_dir` cannot be
            written.
    """
    path = os.path.join(config.model_dir, model_dir.CURVE_FILE)
    ours = shared(config, encoder)
    if tf.io.gfile.exists(path):
        theirs = files.read_json(path)
        # Earlier versions recorded "folder:~/photos" as it was given.
        theirs["dataset"] = paths.expand_dataset(theirs["dataset"])
        model_dir.check_same(ours, theirs, config.model_dir, kind="curve")
        return
    model_dir.make_directory(config.model_dir)
    files.write_json(path, ours)


def shared(config, encoder):
    """What is the same for every number of a curve, as JSON has it."""
    run = trainings.of_run(config, trainings.FINETUNE, 1.0, config.seed)
    beyond = {name: getattr(config, name) for name in BEYOND_IDENTITY}
    found = run.identity() | beyond | {"checkpoint": str(encoder)}
    return json.loads(json.dumps(found))
