"""`--mode=export`: a network for others, from a run or any checkpoint."""

import os

from absl import logging

from simclr_tf import errors
from simclr_tf.exports import card, directory, formats
from simclr_tf.setup import (
    devices,
    given_checkpoint,
    model_dir,
    networks,
    same_data,
)

PARENTS = {"savedmodel": "saved_model", "keras": "keras", "onnx": "onnx"}
"""Directory in `model_dir` where exports of a format lie, by step."""


def run(config):
    """Exports the newest checkpoint of `model_dir`, or `checkpoint`.

    Args:
        config: a `Config`; fields not set are taken from the run.
            `export_dir` defaults to `model_dir/saved_model/<step>`, or that
            of the other formats.

    Returns:
        The directory written.

    Raises:
        errors.UserError: if there is no checkpoint, `export_dir` exists and
            is not an export, or a package that the format needs is missing.
    """
    if config.export_dir:
        directory.check_replaceable(config.export_dir)
    check_format(config)
    config, facts = given_checkpoint.recall(config)
    devices.configure(config)
    if not (config.export_dir or config.model_dir):
        raise errors.UserError(
            "export_dir must be given to export a checkpoint of no run; got "
            f"{config.export_dir!r}"
        )
    model = networks.make_eval_model(config, num_classes=facts["num_classes"])
    path = config.checkpoint or config.model_dir
    step = given_checkpoint.load(path, model).step
    if not config.export_dir:
        return export_step(config, model, step, facts)
    return _export(config, model, step, facts, config.export_dir)


def check_format(config):
    """Raises `UserError` if what `export_format` needs is not installed."""
    formats.check_available(config.export_format)


def export_step(config, model, step, facts):
    """Writes `model` to `saved_model/<step>` and sweeps older exports.

    Args:
        config: a `Config`; `export_format` may name another format.
        model: the built model for one device, with its weights.
        step: that they were reached at.
        facts: of the run.

    Returns:
        The directory written.
    """
    parent = os.path.join(config.model_dir, PARENTS[config.export_format])
    path = os.path.join(parent, str(step))
    _export(config, model, step, facts, path)
    directory.sweep(parent, keep=config.keep_hub_module_max, spare=step)
    return path


def metadata(config, step, facts):
    """Facts that lie beside the exported files."""
    is_run = model_dir.IMPORTED not in facts
    return {
        "format": config.export_format,
        "global_step": step,
        "identity": config.identity() if is_run else network_of(config),
        "image_size": config.image_size,
        "input": card.INPUT,
        "num_classes": facts["num_classes"],
        "class_names": facts.get(same_data.CLASS_NAMES),
        "stem": networks.stem_of(config),
        "versions": model_dir.versions(),
    } | {k: v for k, v in facts.items() if k == model_dir.IMPORTED}


def network_of(config):
    """What of the identity is about the network, not about a training."""
    names = given_checkpoint.BEYOND_ARCHITECTURE
    return config.architecture() | {n: getattr(config, n) for n in names}


def _export(config, model, step, facts, path):
    def fill(temporary):
        return formats.write(
            config.export_format,
            model,
            temporary,
            image_size=config.image_size,
            class_names=facts.get(same_data.CLASS_NAMES),
        )

    directory.replace(path, fill, metadata=metadata(config, step, facts))
    logging.info("exported to %s", path)
    return path
