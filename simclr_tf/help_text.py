"""The text of `--help`: every flag, grouped, with default and choices."""

import textwrap

from simclr_tf.config import Config, fields, presets

WIDTH = 80
INDENT = " " * 6

_USAGE = """\
SimCLR in TensorFlow: pretrain on images, evaluate, fine-tune, export.

usage: simclr-tf [--preset=NAME | --flagfile=FILE] [--flag=value ...]
       python run.py (the same, from a clone)
"""
_COMMON = """\
The flags that most runs have:
  --preset=quickstart        a whole run on small images, in about a minute
  --dataset=folder:photos    your images; or a TFDS name; or digits
  --model_dir=runs/mine      where the run lies; the same command resumes
  --image_size=96            side of what the network sees, px
  --resnet_depth=18          10 to 200; --width_multiplier=0.5 is narrower
  --train_batch_size=64      images a step; all others are negatives
  --train_epochs=100         or --train_steps
  --mode=train_then_eval     train alone is the default; plan tells the cost
  --train_mode=finetune --checkpoint=runs/mine --label_fraction=0.1
  --mode=eval --eval_protocol=frozen   kNN and linear probes of a run
"""
START = """\
SimCLR in TensorFlow. To see a whole run on small images, in about a minute:

    simclr-tf --preset=quickstart

On your own: simclr-tf --dataset=folder:photos --model_dir=runs/mine
All flags: simclr-tf --help. README.md shows what else there is.
"""
_GENERAL = (
    ("--flagfile=FILE", "Read flags from a file; explicit flags win."),
    ("--only_check_args", "Check the configuration and exit: 0 good, 1 bad."),
    ("--version", "Print the version."),
    ("--help", "This text. --helpfull adds the flags of absl."),
)
_DIFFERENCE = (
    "Names, meanings and defaults are those of the official SimCLR flags "
    "where one exists, with one exception: hardware is detected, so use_tpu "
    "is off by default."
)


def render():
    """The whole help text, a string of lines of at most 80 columns."""
    blocks = [_USAGE, _COMMON, textwrap.fill(_DIFFERENCE, WIDTH) + "\n"]
    blocks.append(_section("General", [_entry(*item) for item in _GENERAL]))
    for title, group in Config.group_fields():
        blocks.append(_section(title, [_describe(field) for field in group]))
    blocks.append(_section("Presets", [_preset(n) for n in presets.names()]))
    return "\n".join(blocks)


def _section(title, entries):
    return f"{title}:\n" + "".join(entries)


def _preset(name):
    return _entry(f"--preset={name}", presets.summary(name))


def _describe(field):
    """The entry of one flag."""
    kind = fields.kind(field)
    shown = "--[no]" + field.name if kind == "bool" else "--" + field.name
    choices = " | ".join(field.metadata["choices"] or ())
    default = f"default {_default(field)}"
    head = f"{shown}  ({choices or _KIND_WORDS[kind]}; {default})"
    return _entry(head, field.metadata["help"])


def _default(field):
    if isinstance(field.default, tuple):
        return ",".join(map(str, field.default)) or "empty"
    if field.default is None:
        return "none"
    return str(field.default).lower() if field.type is bool else field.default


def _entry(head, text):
    body = textwrap.fill(
        text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT
    )
    head = textwrap.fill(
        head,
        WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_on_hyphens=False,
    )
    return f"{head}\n{body}\n"


_KIND_WORDS = {
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "string": "text",
    "strings": "comma-separated list",
    "floats": "comma-separated numbers",
}
