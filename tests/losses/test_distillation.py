"""Distillation against numpy, and what it must be in simple cases."""

import math

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.losses import distillation, supervised

RTOL = 1e-5  # float32 against float64
ATOL = 1e-6


def random_batch(num_images=9, num_classes=5, seed=0):
    rng = np.random.default_rng(seed)
    student, teacher = rng.normal(0, 2, (2, num_images, num_classes))
    labels = rng.integers(-1, num_classes, num_images).astype(np.int32)
    return student.astype(np.float32), teacher.astype(np.float32), labels


def log_softmax(row):
    row = np.asarray(row, np.float64)
    return row - row.max() - math.log(np.exp(row - row.max()).sum())


def oracle(student, teacher, labels, *, temperature, alpha):
    """Equation 3, image by image."""
    total = 0.0
    for row, theirs, label in zip(student, teacher, labels, strict=True):
        hard = -log_softmax(row)[label] if label >= 0 else 0.0
        taught = np.exp(log_softmax(theirs / temperature))
        soft = -(taught * log_softmax(row / temperature)).sum()
        total += (1 - alpha) * hard + alpha * temperature**2 * soft
    return total / len(student)


def entropy(logits):
    rows = [log_softmax(row) for row in logits]
    return np.mean([-(np.exp(row) * row).sum() for row in rows])


@pytest.mark.parametrize("temperature", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_it_equals_numpy(temperature, alpha):
    batch = random_batch()
    options = {"temperature": temperature, "alpha": alpha}
    found = distillation.distillation(*batch, **options)
    np.testing.assert_allclose(found.loss, oracle(*batch, **options), RTOL)
    mixed = (1 - alpha) * found.supervised + alpha * found.distilled
    np.testing.assert_allclose(found.loss, mixed, RTOL)


def test_a_student_like_its_teacher_has_the_entropy_as_its_loss():
    _, teacher, _ = random_batch()
    found = distillation.distillation(teacher, teacher)
    np.testing.assert_allclose(found.loss, entropy(teacher), RTOL)


def test_it_is_least_where_both_agree():
    student, teacher, _ = random_batch()
    variable = tf.Variable(teacher)
    with tf.GradientTape() as tape:
        loss = distillation.distillation(variable, teacher).loss
    np.testing.assert_allclose(tape.gradient(loss, variable), 0, atol=ATOL)
    assert distillation.distillation(student, teacher).loss > loss


def test_a_sure_teacher_is_a_label():
    student, _, labels = random_batch()
    labels = np.maximum(labels, 0)
    sure = 1e4 * np.eye(5, dtype=np.float32)[labels]
    found = distillation.distillation(student, sure)
    expected = supervised.cross_entropy(student, labels)
    np.testing.assert_allclose(found.loss, expected, RTOL)


def test_at_high_temperature_logits_are_matched():
    # t^2 CE -> t^2 log K + (|s - t|^2 - |t|^2) / 2K for centred rows.
    student, teacher, _ = random_batch()
    temperature = 1e3
    centred = [
        rows - rows.mean(1, keepdims=True) for rows in (student, teacher)
    ]
    variable = tf.Variable(student)
    with tf.GradientTape() as tape:
        loss = distillation.distillation(
            variable, teacher, temperature=temperature
        ).loss
    gradient = tape.gradient(loss, variable).numpy()
    expected = (centred[0] - centred[1]) / student.size
    np.testing.assert_allclose(gradient, expected, rtol=0.02, atol=2e-4)


def test_nothing_goes_to_the_teacher():
    student, teacher, labels = random_batch()
    teacher = tf.Variable(teacher)
    with tf.GradientTape() as tape:
        loss = distillation.distillation(student, teacher, labels).loss
    assert tape.gradient(loss, teacher) is None


def test_alpha_0_is_the_supervised_loss():
    student, teacher, labels = random_batch()
    labels = np.maximum(labels, 0)
    found = distillation.distillation(student, teacher, labels, alpha=0.0)
    expected = supervised.cross_entropy(student, labels)
    np.testing.assert_allclose(found.loss, expected, RTOL)


def test_at_alpha_1_labels_play_no_part():
    student, teacher, labels = random_batch()
    losses = {
        float(distillation.distillation(student, teacher, given).loss)
        for given in (None, labels, np.roll(labels, 1))
    }
    assert len(losses) == 1


def test_images_without_label_count_in_the_mean():
    student, teacher, _ = random_batch(num_images=4)
    labels = np.array([2, -1, -1, 1], np.int32)
    found = distillation.distillation(student, teacher, labels, alpha=0.5)
    rows = [-log_softmax(student[i])[labels[i]] for i in (0, 3)]
    np.testing.assert_allclose(found.supervised, sum(rows) / 4, RTOL)


def test_a_batch_without_any_label():
    student, teacher, _ = random_batch()
    variable = tf.Variable(student)
    with tf.GradientTape() as tape:
        found = distillation.distillation(
            variable, teacher, np.full(9, -1, np.int32), alpha=0.0
        )
    assert float(found.loss) == 0.0
    np.testing.assert_array_equal(tape.gradient(found.loss, variable), 0)


def test_half_precision_is_widened():
    student, teacher, _ = random_batch()
    narrow = [tf.cast(rows, tf.bfloat16) for rows in (student, teacher)]
    found = distillation.distillation(*narrow)
    wide = [tf.cast(rows, tf.float32) for rows in narrow]
    assert found.loss.dtype == tf.float32
    assert float(found.loss) == float(distillation.distillation(*wide).loss)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature must be > 0"),
        ({"alpha": 1.5}, "alpha must be in"),
        ({"alpha": float("nan")}, "alpha must be in"),
    ],
)
def test_arguments_out_of_range(options, message):
    student, teacher, _ = random_batch()
    with pytest.raises(ValueError, match=message):
        distillation.distillation(student, teacher, **options)


def test_other_classes():
    student, teacher, _ = random_batch()
    with pytest.raises(
        errors.UserError, match=r"the 5 classes of the student; it has 4$"
    ):
        distillation.distillation(student, teacher[:, :4])
