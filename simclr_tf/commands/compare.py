"""`--mode=compare`: whether two runs differ.

With several seeds a run's result on an example is the share of its seeds that
get it right. The permutation test then speaks of these networks on other
examples; where both runs have seeds, the interval over them speaks of other
networks on these examples.
"""

import os
import re

import numpy as np
import tensorflow as tf
from absl import logging

from simclr_tf import errors, files
from simclr_tf.evaluation import predictions, significance
from simclr_tf.scoring import saved_predictions
from simclr_tf.setup import model_dir
from simclr_tf.training import console

ALPHA = 1 - significance.CONFIDENCE
"""Runs differ where p is below."""


def run(config):
    """Compares the newest predictions of two runs, example by example.

    Prints what was found and writes it to `report/compare_<name>.json` in
    `model_dir`, where an earlier comparison is never overwritten.

    Args:
        config: a `Config`; `model_dir` and `compare_with` each name what
            `saved_predictions.read` takes.

    Returns:
        What is written, a dict.

    Raises:
        errors.UserError: if either has no predictions, or they are not of
            the same examples with the same labels.
    """
    ours = saved_predictions.read(config.model_dir, "model_dir")
    theirs = saved_predictions.read(config.compare_with, "compare_with")
    reference = ours.predictions[0]
    if len(reference.examples) < 2:
        raise errors.UserError(
            "predictions to compare must be of two examples or more; "
            f"{ours.files[0]!r} has {len(reference.examples)}"
        )
    right = [correct(saved, reference) for saved in (ours, theirs)]
    warn_of_same(ours, theirs, right)
    found = significance.compare(*(rows.mean(axis=0) for rows in right))
    apart = seeds_apart(ours, theirs, right)
    result = content(ours, theirs, right, found, apart)
    for line in lines(result):
        console.show(line)
    path = write(result)
    logging.info("written to %s", path)
    return result


def correct(saved, reference):
    """Which examples are got right, in one order.

    Args:
        saved: a `saved_predictions.Saved`.
        reference: the `Predictions` whose order it is.

    Returns:
        float64 [seeds, n] of 0 and 1.

    Raises:
        errors.UserError: if examples or labels are others.
    """
    aligned = [predictions.aligned(reference, p) for p in saved.predictions]
    return np.array([p.correct for p in aligned], np.float64)


def warn_of_same(ours, theirs, right):
    """Warns where it is likely that one run is compared with itself."""
    shared = set(map(os.path.realpath, ours.files)) & set(
        map(os.path.realpath, theirs.files)
    )
    if shared:
        logging.warning(
            "model_dir and compare_with are the same run: both read %s",
            min(shared),
        )
    elif np.array_equal(*right):
        logging.warning(
            "model_dir and compare_with get the same examples right: is one "
            "a copy of the other?"
        )


def seeds_apart(ours, theirs, right):
    """The interval over seeds; None unless both runs have several.

    Returns:
        dict of "difference", "half_width" and "paired", by seed.
    """
    if min(len(rows) for rows in right) < 2:
        return None
    paired = ours.seeds == theirs.seeds
    interval = significance.over_seeds(
        *(rows.mean(axis=1) for rows in right), paired=paired
    )
    return {
        "difference": interval.mean,
        "half_width": interval.half_width,
        "paired": paired,
    }


def content(ours, theirs, right, found, apart):
    """Everything there is to say, JSON-able."""
    sides = {
        name: {
            "path": saved.path,
            "files": list(saved.files),
            "seeds": saved.seeds and list(saved.seeds),
            "top_1": rows.mean(axis=1).tolist(),
        }
        for name, saved, rows in zip(
            ("ours", "theirs"), (ours, theirs), right, strict=True
        )
    }
    return sides | found._asdict() | {"over_seeds": apart}


def lines(result):
    """A sentence, and the numbers behind it."""
    sides = [result[side] for side in ("ours", "theirs")]
    return [
        sentence(result, *(side["path"] for side in sides)),
        *(
            f"  top-1       {100 * np.mean(side['top_1']):.2f}% of "
            f"{side['path']}{_seeds_of(side)}"
            for side in sides
        ),
        f"  difference  {points(result['difference'])} points, 95% interval "
        f"{points(result['low'])} to {points(result['high'])}",
        f"  p           {result['p_value']:.2g}, {result['method']} paired "
        f"permutation test on {result['num_examples']} examples",
        f"  better on   {result['num_ours']} examples in the first alone, "
        f"{result['num_theirs']} in the second alone",
        *seed_lines(result),
    ]


def sentence(result, ours, theirs):
    """Who is better, if anyone is."""
    gap = f"{abs(100 * result['difference']):.2f} points"
    p_value = f"p = {result['p_value']:.2g}"
    if result["p_value"] >= ALPHA:
        return (
            f"{ours} and {theirs} cannot be told apart: {gap} between them, "
            f"{p_value}"
        )
    better, worse = ours, theirs
    if result["difference"] < 0:
        better, worse = theirs, ours
    return f"{better} is better than {worse} by {gap}, {p_value}"


def seed_lines(result):
    """What other seeds might have given, a line or none."""
    apart = result["over_seeds"]
    if not apart:
        return []
    how = "paired by seed" if apart["paired"] else "seeds not paired"
    counts = [len(result[side]["top_1"]) for side in ("ours", "theirs")]
    line = (
        f"  over seeds  {points(apart['difference'])} ± "
        f"{100 * apart['half_width']:.2f} points, {counts[0]} and {counts[1]} "
        f"seeds, {how}"
    )
    if abs(apart["difference"]) <= apart["half_width"]:
        line += ": other seeds might turn it"
    return [line]


def points(share):
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * share:+.2f}"


def write(result):
    """Writes a comparison where none is overwritten; returns the path.

    The same comparison made again finds its own file.
    """
    place = _directory_of(result["ours"]["path"])
    directory = os.path.join(place, model_dir.REPORT_DIRECTORY)
    model_dir.make_directory(directory)
    stem = os.path.join(directory, f"compare_{_name_of(result)}")
    path, number = f"{stem}.json", 1
    while tf.io.gfile.exists(path):
        if files.read_json(path) == result:
            return path
        number += 1
        path = f"{stem}_{number}.json"
    files.write_json(path, result)
    return path


def _directory_of(path):
    return os.path.dirname(path) if path.endswith(".npz") else path


def _seeds_of(side):
    count = len(side["top_1"])
    return f", mean of {count} seeds" if side["seeds"] else ""


def _name_of(result):
    """What file names call the other run."""
    path = result["theirs"]["path"].rstrip("/").removesuffix(".npz")
    return re.sub(r"[^\w.-]", "_", os.path.basename(path)) or "other"
