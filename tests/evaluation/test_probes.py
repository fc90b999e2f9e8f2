import numpy as np

from simclr_tf.evaluation import features, methods, probes


def splits(strength, dimensions):
    parts = []
    for seed, rows in enumerate((90, 60, 300)):
        generator = np.random.default_rng(seed)
        labels = np.arange(rows, dtype=np.int32) % 3
        values = generator.normal(size=(rows, dimensions))
        values[:, :3] += strength * np.eye(3)[labels]
        parts.append(features.Features(values.astype(np.float32), labels))
    return probes.Splits(*parts)


NAMED = {
    "block_group1": splits(0.3, 5),
    "block_group4": splits(2.0, 8),
    "proj_head_output": splits(1.0, 3),
}
PENALTIES = (1e-4, 1e-2, 1.0)


def fit(named, method):
    return probes.fit_probes(named, method, num_classes=3, seed=0)


def test_rows_keep_the_order_and_tell_what_is_known():
    rows = fit(NAMED, methods.logistic_regression(PENALTIES))
    assert [row.name for row in rows] == list(NAMED)
    assert [row.num_features for row in rows] == [5, 8, 3]
    first, second, third = (row.test for row in rows)
    assert first < third < second
    assert all(row.l2 in PENALTIES for row in rows)
    for row in rows:
        test = NAMED[row.name].test
        assert row.classifier.accuracy(test) == row.test


def test_least_squares_serves_as_well():
    rows = fit(NAMED, methods.few_shot_least_squares())
    assert rows[1].test > 0.8


def test_one_penalty_has_no_validation_score():
    (row,) = fit({"h": splits(1.0, 4)}, methods.logistic_regression([0.1]))
    assert row.validation is None
    assert row.l2 == 0.1


def test_the_table_has_a_line_per_row():
    rows = fit(NAMED, methods.logistic_regression([0.1]))
    _, head, *lines = probes.render(rows).splitlines()
    assert head.split() == ["features", "number", "l2", "val", "test"]
    assert [line.split()[0] for line in lines] == list(NAMED)
    assert lines[1].split()[1:3] == ["8", "1.0e-01"]
    assert float(lines[1].split()[-1]) == round(100 * rows[1].test, 1)
