"""`--num_seeds`: the same run with several seeds, and what they agree on."""

import os

from absl import logging

from simclr_tf import files
from simclr_tf.evaluation import metrics
from simclr_tf.scoring import frozen_features
from simclr_tf.setup import model_dir

RESULT_FILE = "result.json"
SEPARATOR = "/"
"""Between the names of nested results."""
SETTINGS = frozenset(
    ("l2", "neighbors", "temperature", "setting", "half_width", "published")
)
"""Names of numbers that are no scores."""


def run(config, run_once):
    """Runs every seed in a directory of its own, and writes their means.

    A seed that is complete is not trained again. `result.json` in
    `model_dir` holds for every number of the seeds' results its mean, the
    half width of its 95% interval, and the values; a count on which all
    agree, such as `global_step`, it holds as it is.

    Args:
        config: a `Config` with `model_dir` and `num_seeds`.
        run_once: function of the `Config` of one seed that returns its
            result, a dict, or anything else where nothing is scored.

    Returns:
        What is written, as `summarize`; {} where nothing is scored.

    Raises:
        errors.UserError: if `model_dir` is that of a single run, whose
            result would be written over.
    """
    model_dir.check_no_run(config.model_dir, "every seed has one of its own")
    results = {}
    for seed in range(config.seed, config.seed + config.num_seeds):
        logging.info("seed        %d", seed)
        results[seed] = _scores(run_once(of_seed(config, seed)))
    if None in results.values():
        return {}
    summary = summarize(results.values())
    model_dir.make_directory(config.model_dir)
    path = os.path.join(config.model_dir, RESULT_FILE)
    files.write_json(path, {"seeds": list(results), **summary})
    for line in lines(summary, num_seeds=config.num_seeds):
        logging.info(line)
    return summary


def _scores(result):
    """A result that is a dict; None for that of a training, with its model."""
    return result if isinstance(result, dict) else None


def of_seed(config, seed):
    """The configuration of one of several runs.

    Evaluations of one checkpoint share its features; where every seed has a
    network of its own, they lie with it.
    """
    directory = os.path.join(config.model_dir, f"seed_{seed}")
    cache = config.feature_cache
    if not cache and config.mode == "eval" and config.checkpoint:
        cache = os.path.join(config.model_dir, frozen_features.DIRECTORY)
    return config.replace(
        seed=seed, num_seeds=1, model_dir=directory, feature_cache=cache
    )


def summarize(results):
    """Mean and interval of every number that all results have.

    Args:
        results: JSON-able dicts, nested or not.

    Returns:
        dict of name, nested ones joined by `SEPARATOR`, -> dict of "mean",
        "half_width" (of the 95% confidence interval, None where there is one
        value, of one seed or of all) and "values"; or the int on which all
        agree.
    """
    flat = [flatten(result) for result in results]
    names = [n for n in flat[0] if all(n in each for each in flat)]
    summary = {}
    for name in names:
        values = [each[name] for each in flat]
        if isinstance(values[0], int) and len(set(values)) == 1:
            summary[name] = values[0]
            continue
        interval = metrics.mean_interval(values)
        is_one = len(set(values)) == 1  # the seed plays no part in it
        summary[name] = {
            "mean": interval.mean,
            "half_width": None if is_one else interval.half_width,
            "values": values,
        }
    return summary


def flatten(result, prefix=""):
    """The numbers of nested results by one name each.

    Args:
        result: dict, nested or not; a list of dicts counts as a dict of
            them, each by the words it holds, such as "knn 1%".
        prefix: of the names.

    Returns:
        dict of joined name -> number, settings left out.
    """
    flat = {}
    for name, value in result.items():
        if name in SETTINGS:
            continue
        if isinstance(value, list):
            value = _by_their_words(value)
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}{SEPARATOR}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[f"{prefix}{name}"] = value
    return flat


def _by_their_words(records):
    found = {}
    for record in records:
        if isinstance(record, dict):
            words = [v for v in record.values() if isinstance(v, str)]
            found[" ".join(words)] = record
    return found


def _tells_nothing(name, found):
    """Whether a class out of five is always the right one: there are five."""
    is_top_5 = name.endswith("top_5_accuracy")
    return is_top_5 and set(found["values"]) == {1.0}


def lines(summary, *, num_seeds):
    """One line per number: its name, mean and interval."""
    rows = [f"{num_seeds} seeds, mean and 95% confidence interval"]
    for name, found in summary.items():
        if _tells_nothing(name, found):
            continue
        shown = found
        if isinstance(found, dict):
            shown = metrics.Interval(
                found["mean"], found["half_width"], num_seeds
            )
        rows.append(f"  {name:<36} {shown}")
    return rows
