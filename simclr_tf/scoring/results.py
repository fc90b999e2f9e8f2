"""The result files of a `model_dir`, to which later evaluations add."""

import os

import tensorflow as tf

from simclr_tf import errors, files

NEWEST = "result.json"
IMAGES = ("dataset", "eval_split")
"""Flags that say which images were scored; written down beside the scores."""


def images_of(config):
    """What was scored, as it is written down."""
    return {name: getattr(config, name) for name in IMAGES}


def check_images(config):
    """Refuses scores of other images in the place of those that are there.

    Args:
        config: a recalled `Config` with `model_dir`.

    Raises:
        errors.UserError: if `model_dir` holds scores of other images.
    """
    former = _read(os.path.join(config.model_dir, NEWEST))
    for name, value in images_of(config).items():
        if former.get(name, value) != value:
            raise errors.UserError(
                f"{name} must be {former[name]!r}, of which model_dir "
                f"{config.model_dir!r} holds the scores; got {value!r} (for "
                f"others give this run as checkpoint, with the dataset and "
                f"another model_dir)"
            )


def former(config, step):
    """What is written of a step, a dict; {} where nothing is.

    Args:
        config: a `Config` with `model_dir`.
        step: of the checkpoint.
    """
    found = _read(os.path.join(config.model_dir, f"result_{step}.json"))
    return found if found.get("global_step") == step else {}


def write(config, result, step):
    """Writes both files; see `join` for what stays.

    Args:
        config: a `Config` with `model_dir`.
        result: a JSON-able dict.
        step: of the checkpoint.
    """
    joined = join(former(config, step), result)
    for name in (f"result_{step}.json", NEWEST):
        files.write_json(os.path.join(config.model_dir, name), joined)


def join(former, result):
    """Results of one step; what was not scored again stays as it was.

    Args:
        former: a JSON-able dict, nested or not.
        result: what is new. Records in lists are told apart by the words they
            hold, such as "knn" and "1%".

    Returns:
        A dict of all.
    """
    joined = former | result
    for name in former.keys() & result.keys():
        old, new = former[name], result[name]
        if isinstance(old, dict) and isinstance(new, dict):
            joined[name] = join(old, new)
        elif _are_records(old) and _are_records(new):
            by_words = {_words(record): record for record in (*old, *new)}
            joined[name] = list(by_words.values())
    return joined


def _are_records(values):
    return isinstance(values, list) and all(isinstance(v, dict) for v in values)


def _words(record):
    return tuple(
        word for _, word in sorted(record.items()) if isinstance(word, str)
    )


def _read(path):
    return files.read_json(path) if tf.io.gfile.exists(path) else {}
