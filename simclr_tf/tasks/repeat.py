"""`--num_seeds`: the same run with several seeds, and what they agree on."""

import os

from absl import logging

from simclr_tf.evaluation import metrics
from simclr_tf.tasks import model_dir
from simclr_tf.training import whole_file

RESULT_FILE = "result.json"
SEPARATOR = "/"
"""Between the names of nested results."""


def run(config, run_once):
    """Runs every seed in a directory of its own, and writes their means.

    A seed that is complete is not trained again. `result.json` in
    `model_dir` holds for every number of the seeds' results its mean, the
    half width of its 95% interval, and the values.

    Args:
        config: a `Config` with `model_dir` and `num_seeds`.
        run_once: function of the `Config` of one seed that returns its
            result, a dict, or anything else where nothing is scored.

    Returns:
        What is written, a dict of name -> dict; {} where nothing is scored.
    """
    results = {}
    for seed in range(config.seed, config.seed + config.num_seeds):
        logging.info("seed        %d", seed)
        results[seed] = run_once(of_seed(config, seed))
    if not all(isinstance(result, dict) for result in results.values()):
        return {}
    summary = summarize(results.values())
    model_dir.make_directory(config.model_dir)
    path = os.path.join(config.model_dir, RESULT_FILE)
    whole_file.write_json(path, {"seeds": list(results), **summary})
    for line in lines(summary, num_seeds=config.num_seeds):
        logging.info(line)
    return summary


def of_seed(config, seed):
    """The configuration of one of several runs."""
    directory = os.path.join(config.model_dir, f"seed_{seed}")
    return config.replace(seed=seed, num_seeds=1, model_dir=directory)


def summarize(results):
    """Mean and interval of every number that all results have.

    Args:
        results: JSON-able dicts, nested or not.

    Returns:
        dict of name, nested ones joined by `SEPARATOR`, -> dict of "mean",
        "half_width" (of the 95% confidence interval, None for one seed) and
        "values".
    """
    flat = [flatten(result) for result in results]
    names = [n for n in flat[0] if all(n in each for each in flat)]
    summary = {}
    for name in names:
        values = [each[name] for each in flat]
        interval = metrics.mean_interval(values)
        summary[name] = {
            "mean": interval.mean,
            "half_width": interval.half_width,
            "values": values,
        }
    return summary


def flatten(result, prefix=""):
    """dict of joined name -> number, of all numbers in nested dicts."""
    flat = {}
    for name, value in result.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}{SEPARATOR}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[f"{prefix}{name}"] = value
    return flat


def lines(summary, *, num_seeds):
    """One line per number: its name, mean and interval."""
    rows = [f"{num_seeds} seeds, mean and 95% confidence interval"]
    for name, found in summary.items():
        interval = metrics.Interval(
            found["mean"], found["half_width"], num_seeds
        )
        rows.append(f"  {name:<36} {interval}")
    return rows
