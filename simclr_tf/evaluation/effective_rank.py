"""How many dimensions a set of features uses, judged without labels.

Dimension letters: `n` images, `D` feature.
"""

import numpy as np

EPSILON = 1e-7


def effective_rank(values):
    """RankMe: the exponential of the entropy of the singular values.

    1 when all features are multiples of one, and min(n, D) when they spread
    evenly over all dimensions. Features that have collapsed have a low one.

    Args:
        values: float [n, D], not centred, as in the source.

    Returns:
        float, from 1 to min(n, D); 0 if all values are 0.

    Source: Garrido et al. 2023 (arXiv:2210.02885), Eq. 1 and epsilon.
    """
    singular = np.linalg.svd(
        np.asarray(values, np.float64), compute_uv=False
    )  # [min(n, D)]
    total = singular.sum()
    if total == 0:
        return 0.0
    shares = singular / total + EPSILON
    return float(np.exp(-np.sum(shares * np.log(shares))))
