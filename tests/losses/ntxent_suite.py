"""What every implementation of NT-Xent must pass, dense or streaming.

A test module subclasses `NtXentSuite` and sets `loss`, a static method with
the signature of `simclr_tf.losses.ntxent.nt_xent`.
"""

import math
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import distribution

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens" / "loss.npz"
GOLDEN_CASES = range(4)
GOLDEN_RTOL = 1e-5  # of the largest value: float32 sums in another order
ORACLE_RTOL = 1e-5  # of the largest value: float32 against float64
DIFFERENCE = 1e-5  # step of the central difference, in float64
REPLICAS_RTOL = 1e-5  # of the largest value: sums split over replicas


def oracle(projections, *, temperature, normalize=True):
    """Algorithm 1 of the paper, by loops in float64; twice its mean."""
    rows = np.asarray(projections, "float64")
    if normalize:
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    num_rows = len(rows)
    total = 0.0
    for i in range(num_rows):
        j = (i + num_rows // 2) % num_rows
        others = [rows[i] @ rows[k] for k in range(num_rows) if k != i]
        positive = rows[i] @ rows[j] / temperature
        scaled = np.array(others) / temperature
        top = scaled.max()
        total += top + math.log(np.exp(scaled - top).sum()) - positive
    return 2.0 * total / num_rows


def oracle_gradient(projections, **kwargs):
    """Central differences of the oracle."""
    rows = np.asarray(projections, "float64")
    gradient = np.zeros_like(rows)
    for index in np.ndindex(rows.shape):
        shift = np.zeros_like(rows)
        shift[index] = DIFFERENCE
        ahead, behind = (
            oracle(rows + sign * shift, **kwargs) for sign in (1, -1)
        )
        gradient[index] = (ahead - behind) / (2 * DIFFERENCE)
    return gradient


def random_rows(num_images, width, *, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2 * num_images, width)).astype("float32")


def value_and_gradient(loss, projections, **kwargs):
    projections = tf.constant(projections)
    with tf.GradientTape() as tape:
        tape.watch(projections)
        value = loss(projections, **kwargs).loss
    return value.numpy(), tape.gradient(value, projections).numpy()


def assert_close(actual, expected, *, rtol):
    """Within `rtol` of the largest expected magnitude."""
    scale = np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rtol * scale)


def replicated(strategy, loss, projections, **kwargs):
    """Loss and gradient of rows dealt to replicas image by image."""
    num_replicas = strategy.num_replicas_in_sync
    by_view = np.stack(np.split(projections, 2))  # [2, B, P]
    parts = [
        tf.constant(part.reshape(-1, part.shape[-1]))
        for part in np.split(by_view, num_replicas, axis=1)
    ]
    weight = tf.Variable(tf.eye(projections.shape[1]))  # same for all

    @tf.function
    def step(rows):
        with tf.GradientTape() as tape:
            value = loss(rows @ weight, **kwargs).loss / num_replicas
        gradient = tape.gradient(value, weight)
        return value, distribution.all_reduce_sum(gradient)

    rows = strategy.experimental_distribute_values_from_function(
        lambda context: parts[context.replica_id_in_sync_group]
    )
    value, gradient = strategy.run(step, args=(rows,))
    first = strategy.experimental_local_results(gradient)[0]
    return strategy.reduce("SUM", value, axis=None).numpy(), first.numpy()


class NtXentSuite:
    """Subclass as `Test...` and set `loss`."""

    loss = None

    @pytest.mark.parametrize("case", GOLDEN_CASES)
    def test_equals_the_official_code(self, case):
        goldens = np.load(GOLDENS)
        get = lambda name: goldens[f"ntxent/{case}/{name}"]  # noqa: E731
        *_, temperature, normalize = get("n_d_temperature_normalize")
        value, gradient = value_and_gradient(
            self.loss,
            get("hidden"),
            temperature=float(temperature),
            normalize=bool(normalize),
        )
        assert value == pytest.approx(get("loss"), rel=GOLDEN_RTOL)
        assert_close(gradient, get("grad"), rtol=GOLDEN_RTOL)

    @pytest.mark.parametrize("normalize", [True, False])
    @pytest.mark.parametrize("num_images", [1, 3, 8])
    def test_equals_the_double_loop(self, num_images, normalize):
        rows = random_rows(num_images, 4)
        kwargs = {"temperature": 0.5, "normalize": normalize}
        value, gradient = value_and_gradient(self.loss, rows, **kwargs)
        expected = oracle(rows, **kwargs)
        assert value == pytest.approx(expected, rel=ORACLE_RTOL, abs=1e-6)
        if num_images > 1:  # one image has no negatives and no gradient
            slope = oracle_gradient(rows, **kwargs)
            assert_close(gradient, slope, rtol=ORACLE_RTOL)

    @pytest.mark.parametrize("num_images", [2, 5, 32])
    def test_identical_embeddings_are_at_chance(self, num_images):
        rows = np.tile(random_rows(1, 8)[:1], [2 * num_images, 1])
        value, _ = value_and_gradient(self.loss, rows)
        expected = 2 * math.log(2 * num_images - 1)
        assert value == pytest.approx(expected, rel=ORACLE_RTOL)

    def test_the_order_of_images_does_not_matter(self):
        rows = random_rows(8, 16)
        order = np.random.default_rng(1).permutation(8)
        moved = np.concatenate([order, order + 8])
        value, gradient = value_and_gradient(self.loss, rows)
        permuted, permuted_gradient = value_and_gradient(self.loss, rows[moved])
        assert permuted == pytest.approx(value, rel=ORACLE_RTOL)
        assert_close(permuted_gradient, gradient[moved], rtol=ORACLE_RTOL)

    def test_the_views_can_be_swapped(self):
        rows = random_rows(8, 16)
        value, gradient = value_and_gradient(self.loss, rows)
        swapped, swapped_gradient = value_and_gradient(
            self.loss, np.roll(rows, 8, axis=0)
        )
        assert swapped == pytest.approx(value, rel=ORACLE_RTOL)
        assert_close(np.roll(swapped_gradient, 8, axis=0), gradient,
                     rtol=ORACLE_RTOL)  # fmt: skip

    def test_normalised_rows_have_no_length(self):
        rows = random_rows(4, 8)
        lengths = np.linspace(0.1, 10, 8, dtype="float32")[:, np.newaxis]
        value, _ = value_and_gradient(self.loss, rows)
        scaled, _ = value_and_gradient(self.loss, rows * lengths)
        assert scaled == pytest.approx(value, rel=ORACLE_RTOL)

    @pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
    def test_half_precision_rows_are_computed_in_float32(self, dtype):
        half = tf.cast(random_rows(16, 32), dtype)
        value = self.loss(half, temperature=0.1).loss
        assert value.dtype == tf.float32
        expected = oracle(tf.cast(half, tf.float32).numpy(), temperature=0.1)
        assert value.numpy() == pytest.approx(expected, rel=ORACLE_RTOL)

    def test_all_zero_rows_give_finite_numbers(self):
        value, gradient = value_and_gradient(self.loss, np.zeros((4, 3), "f4"))
        assert value == pytest.approx(2 * math.log(3), rel=ORACLE_RTOL)
        assert np.isfinite(gradient).all()

    def test_an_unknown_batch_size_will_do(self):
        rows = random_rows(4, 8)
        graph = tf.function(
            lambda x: self.loss(x).loss,
            input_signature=[tf.TensorSpec([None, 8])],
        )
        expected = oracle(rows, temperature=0.1)
        assert graph(rows).numpy() == pytest.approx(expected, rel=ORACLE_RTOL)

    @pytest.mark.parametrize("num_replicas", [2, 4])
    def test_replicas_equal_one_device(self, mirrored, num_replicas):
        rows = random_rows(8, 6)
        one = replicated(tf.distribute.get_strategy(), self.loss, rows)
        many = replicated(mirrored(num_replicas), self.loss, rows)
        assert many[0] == pytest.approx(one[0], rel=REPLICAS_RTOL)
        assert_close(many[1], one[1], rtol=REPLICAS_RTOL)

    @pytest.mark.parametrize(
        "temperature", [0, -0.1, math.nan, None, "0.1", True]
    )
    def test_temperature_must_be_positive(self, temperature):
        with pytest.raises(ValueError, match="temperature must be > 0; got"):
            self.loss(random_rows(2, 4), temperature=temperature)

    def test_rows_must_come_in_pairs(self):
        with pytest.raises(ValueError, match="two rows per image; got 3"):
            self.loss(tf.zeros([3, 4]))

    def test_maps_are_no_projections(self):
        with pytest.raises(ValueError, match=r"\[2b, P\]; got .*2, 2, 4"):
            self.loss(tf.zeros([4, 2, 2, 4]))
