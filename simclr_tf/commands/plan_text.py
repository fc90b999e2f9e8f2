"""What `--mode=plan` found, in lines to read."""

from typing import NamedTuple

from simclr_tf.planning import memory
from simclr_tf.training import progress

_DAY_SECS = 24 * 3600
_WORTH_A_CHANGE = 0.1
"""Gains in speed below this part are within the noise of two steps."""


class Assumed(NamedTuple):
    """The size of a data set that is not here, in place of its `Source`."""

    name: str
    split: str
    num_examples: int
    num_classes: int
    labels: None = None  # only known when read
    notes: tuple = ()


def told(lines, source, config):
    """The announcement's lines, with what was assumed."""
    if isinstance(source, Assumed):
        lines["data"] += " (published size: the set is not here)"
    if not config.model_dir:
        del lines["model_dir"]
    return lines


def cost_lines(config, shape, load, flops):
    """What is computed: a dict of topic -> line."""
    view = flops / load.images / 2
    again = [
        text
        for text, is_on in (
            ("microbatches", load.microbatch),
            ("remat", config.remat),
        )
        if is_on
    ]
    note = f", {' and '.join(again)} included" if again else ""
    return {
        "weights": f"{shape.parameters:,} parameters, {shape.slots:,} slots",
        "work": (
            f"{view / 1e9:.3g} GFLOPs a view, {flops / 1e12:.4g} TFLOPs a "
            f"step (6 x multiply-adds{note})"
        ),
    }


def memory_lines(shape, load, *, base, available):
    """What is held, by one replica: a dict of topic -> line."""
    found = memory.estimate(shape, load)
    parts = found._asdict() | {"framework": base}
    kind = "streaming" if load.streaming else "dense"
    notes = {
        "activations": (
            f" for {load.held_images} images, "
            f"{shape.activations.peak / 1e6:.3g} MB a view"
        ),
        "loss": f", {kind}",
        "framework": ", before there is anything to train",
    }
    lines = {
        f"- {part}": f"{gigabytes(size)}{notes.get(part, '')}"
        for part, size in parts.items()
    }
    total = found.total + base
    have = "unknown" if available is None else gigabytes(available)
    per = "" if load.num_replicas == 1 else " a replica"
    summary = f"about {gigabytes(total)}{per} at the peak; at hand {have}"
    return {"memory": summary} | lines


def time_lines(config, source, plan, timing):
    """How long it takes, from the probe: a dict of topic -> line."""
    step = timing.step_secs(config.train_batch_size)
    epoch = step * source.num_examples / config.train_batch_size
    notes = []
    if timing.images < config.train_batch_size:
        notes.append(
            f"measured on {timing.images} images, the rest in proportion"
        )
    if isinstance(source, Assumed):
        notes.append("on made-up images, reading none")
    note = f" ({'; '.join(notes)})" if notes else ""
    speed = config.train_batch_size / step
    return {
        "step": f"{_plain(step)} s, {_plain(speed)} images/s{note}",
        "epoch": duration(epoch),
        "run": (
            f"{duration(step * plan.total_steps)} for "
            f"{plan.total_steps} steps, "
            f"{plan.total_steps * step / epoch:.4g} epochs"
        ),
    }


def precision_lines(config, timing, other):
    """How fast each precision is here, and which to take.

    Args:
        config: a `Config` that is settled.
        timing: a `probe.Timing` in its precision.
        other: one in the other precision.
    """
    names = ("float32", "bfloat16")
    rates = [timing.images_per_sec, other.images_per_sec]
    if config.precision != names[0]:
        rates.reverse()
    shown = ", ".join(
        f"{name} {_plain(rate)} images/s"
        for name, rate in zip(names, rates, strict=True)
    )
    gain = other.images_per_sec / timing.images_per_sec
    advice = f"keep {config.precision}"
    if gain > 1 + _WORTH_A_CHANGE:
        best = names[rates.index(max(rates))]
        advice = f"--precision={best} is {gain:.2g} times as fast"
    return {"precisions": f"{shown}; {advice}"}


def duration(secs):
    """Seconds to read, such as "1:02:03" or "4.5 days"."""
    if secs >= 2 * _DAY_SECS:
        return f"{secs / _DAY_SECS:.1f} days"
    return progress.format_secs(secs)


def gigabytes(size):
    """A number of bytes to read, such as "1.25 GB"."""
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.3g} MB"


def _plain(number):
    """Three digits, or the whole number."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
