"""Images per second of several streams of batches, taken by turns."""

import time

from simclr_tf.benchmarks import measurement


def interleaved_rates(streams, budget, *, num_batches, batch_size):
    """How fast each stream gives batches, once it flows.

    Only one stream runs at a time; each is opened anew for each measurement,
    and the clock starts when its first batch has arrived, so neither building
    the pipeline nor compiling counts.

    Args:
        streams: dict of name -> zero-argument callable that returns an iterable
            of batches, of at least `num_batches` + 1.
        budget: a `budget.Budget`.
        num_batches: how many are timed.
        batch_size: images of a batch.

    Returns:
        dict of name -> list of images per second.
    """
    rates = {name: [] for name in streams}
    for _ in budget.rounds("batches"):
        for name, open_stream in streams.items():
            secs = _secs(open_stream(), num_batches)
            rates[name].append(num_batches * batch_size / secs)
    return {name: found[1:] for name, found in rates.items()}


def _secs(stream, num_batches):
    iterator = iter(stream)
    next(iterator)
    started = time.perf_counter()
    for _ in range(num_batches):
        next(iterator)
    return time.perf_counter() - started


def report(benchmark, rates, *, baselines, case, output):
    """Prints a line for each stream, with its ratio to each baseline.

    Args:
        benchmark: name of the module.
        rates: from `interleaved_rates`.
        baselines: names in `rates`.
        case: dict of what all streams share.
        output: path to append to, or None.
    """
    found = {name: measurement.summary(rates[name]) for name in rates}
    for name, rate in found.items():
        ratios = {
            f"ratio_to_{baseline}": rate["median"] / found[baseline]["median"]
            for baseline in baselines
        }
        measurement.report(
            benchmark,
            {"kind": name, **case},
            {"images_per_sec": rate, **ratios},
            output=output,
        )
