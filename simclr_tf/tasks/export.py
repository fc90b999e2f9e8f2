"""`--mode=export`: a SavedModel from a run's newest checkpoint."""

import os

from absl import logging

from simclr_tf import export
from simclr_tf.tasks import components, given_checkpoint, model_dir


def run(config):
    """Exports the newest checkpoint of `model_dir`.

    Args:
        config: a `Config`; fields not set are taken from the run.
            `export_dir` defaults to `model_dir/saved_model/<step>`.

    Returns:
        The directory written.

    Raises:
        errors.UserError: if there is no checkpoint, or `export_dir` exists
            and is not an export.
    """
    config, facts = given_checkpoint.recall(config)
    if config.export_dir:
        export.check_replaceable(config.export_dir)
    model = components.make_eval_model(config, num_classes=facts["num_classes"])
    path = config.checkpoint or config.model_dir
    step = given_checkpoint.load(path, model).step
    if not config.export_dir:
        return export_step(config, model, step)
    return _export(config, model, step, config.export_dir)


def export_step(config, model, step):
    """Writes `model` to `saved_model/<step>` and sweeps older exports.

    Returns:
        The directory written.
    """
    parent = os.path.join(config.model_dir, "saved_model")
    directory = _export(config, model, step, os.path.join(parent, str(step)))
    export.sweep(parent, keep=config.keep_hub_module_max)
    return directory


def metadata(config, step):
    """Facts that lie beside the SavedModel."""
    return {
        "global_step": step,
        "identity": config.identity(),
        "input": "float32 RGB in [0, 1], no mean or deviation subtracted",
        "stem": components.stem_of(config),
        "versions": model_dir.versions(),
    }


def _export(config, model, step, directory):
    export.save(model, directory, metadata=metadata(config, step))
    logging.info("exported to %s", directory)
    return directory
