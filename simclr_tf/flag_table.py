"""The table of what every flag changes where, docs/flags.md.

python -m simclr_tf.flag_table > docs/flags.md
"""

from simclr_tf.config import Config, uses

_HEADER = """\
# What each flag changes, and where

Written by `python -m simclr_tf.flag_table > docs/flags.md` from the
configuration itself (`simclr_tf/config/`); a test compares the two. For every
mark, `tests/wiring/` shows that another value changes what the mode does.

- pretrain, finetune, distill: `--mode=train` with this `--train_mode`.
- online, frozen, transfer: `--mode=eval` with this `--eval_protocol`.
- `--mode=train_then_eval` is training and then evaluation.
- `--mode=plan` reads what the `--train_mode` it plans reads, too.

Without a mark a flag has no effect there: it is refused, or named in one line
of the log. Flags of a preset or a flag file are not named, as these serve
several modes. Training and import record the whole configuration in
`config.json`; evaluation and export take from it what is not given again.
"""
_MARK = "x"


def render():
    """The whole page, as Markdown."""
    blocks = [_HEADER]
    for title, group in Config.group_fields():
        rows = [_row(field) for field in group]
        blocks.append("\n".join([f"## {title}\n", *_HEAD, *rows]) + "\n")
    return "\n".join(blocks)


def _row(field):
    used = field.metadata["used_in"]
    marks = [_MARK if name in used else "" for name in uses.ACTIVITIES]
    return _cells(f"`{field.name}`", field.metadata["changes"], *marks)


def _cells(*texts):
    return "| " + " | ".join(texts) + " |"


_HEAD = (
    _cells("flag", "changes", *uses.ACTIVITIES),
    _cells("---", "---", *[":-:"] * len(uses.ACTIVITIES)),
)

if __name__ == "__main__":
    print(render(), end="")
