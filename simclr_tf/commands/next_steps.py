"""What can be done next with what a run has left, as a line for its end."""

from simclr_tf.setup import model_dir

_OTHER = "--model_dir=NEW"
_SCORE = "score it: --mode=eval --model_dir={path}"
_PROBE = "score it: --mode=eval --eval_protocol=frozen --model_dir={path}"
_EXPORT = "export it: --mode=export --model_dir={path}"
_FINETUNE = (
    f"fine-tune it: --train_mode=finetune --checkpoint={{path}} {_OTHER}"
)
_LONGER = "train it longer: --extend and a larger --{length}"
_CURVE = (
    f"see how few labels it needs: --mode=label_curve --checkpoint={{path}} "
    f"{_OTHER}"
)
_COMPARE = (
    "see whether another is better: --mode=compare --model_dir={path} "
    "--compare_with=OTHER"
)
_START = "start it: the same flags without --mode=plan"
_LOOK = "look at {path}/report and {path}/result.json"


def after(config):
    """What to do next, a line; None where there is nothing to add.

    Args:
        config: the `Config` of what has ended well, as the user gave it.
    """
    told = _told(config)
    if not told:
        return None
    length = "train_steps" if config.train_steps else "train_epochs"
    return "next: " + "; ".join(told).format(path=_path(config), length=length)


def _told(config):
    if config.mode == "plan":
        return [_START]
    if config.mode == "import":
        return [_SCORE, _EXPORT, _FINETUNE]
    if config.num_seeds > 1 or config.mode not in _MODES:
        return []
    return _MODES[config.mode](config)


def _after_training(config):
    if config.train_mode != "pretrain":
        return [_SCORE, _EXPORT, _LONGER]
    former = model_dir.read_run(config.model_dir)
    if former and former["facts"]["num_classes"]:
        return [_SCORE, _EXPORT, _FINETUNE, _LONGER]
    if not config.lineareval_while_pretraining:
        return [_PROBE, _EXPORT, _FINETUNE, _LONGER]
    return [_EXPORT, _FINETUNE, _LONGER]  # there are no labels to score with


def _after_scores(config):
    former = model_dir.read_run(_path(config))
    is_pretrained = former and former["config"].train_mode == "pretrain"
    return [_LOOK, *([_FINETUNE, _CURVE] if is_pretrained else [_COMPARE])]


def _path(config):
    """The directory of the run; a plan has none."""
    if config.model_dir or not config.checkpoint:
        return config.model_dir
    return model_dir.run_of(config.checkpoint)


_MODES = {
    "train": _after_training,
    "train_then_eval": _after_scores,
    "eval": _after_scores,
}
