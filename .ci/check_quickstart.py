"""Holds a quick-start run to what the README says of it.

Usage: check_quickstart.py MODEL_DIR
"""

import json
import sys

import numpy as np

FEW_LABELS = ("1", "2", "5")
STANDARD_ERRORS = 3


def main(directory):
    """Exits with a message if a baseline is not beaten clearly."""
    with open(f"{directory}/result.json") as file:
        rows = json.load(file)["frozen"]
    ours = rows.pop("pretrained")
    for name, theirs in rows.items():
        for a, b in zip(ours, theirs, strict=True):
            if a["budget"] in FEW_LABELS:
                check(name, a, b)


def check(name, ours, theirs):
    """One cell of the table against the same draws of a baseline."""
    gaps = np.subtract(ours["accuracies"], theirs["accuracies"])
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    cell = f"{ours['method']} with {ours['budget']} labels: {name}"
    print(f"{cell} beaten by {gaps.mean():.3f} (se {error:.3f})")
    if not gaps.mean() > STANDARD_ERRORS * error:
        sys.exit(f"{cell} is not beaten by {STANDARD_ERRORS} standard errors")


if __name__ == "__main__":
    main(sys.argv[1])
