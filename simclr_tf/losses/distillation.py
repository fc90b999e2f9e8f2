"""Learning from a teacher's outputs, with or without labels.

Dimension letters: `b` images of this replica, `K` classes.
"""

import typing

import tensorflow as tf

from simclr_tf import errors
from simclr_tf.losses import supervised


class Distillation(typing.NamedTuple):
    """The loss, float32 [], in nats, and what it is made of.

    Attributes:
        loss: (1 - alpha) supervised + alpha distilled.
        supervised: cross-entropy with the labels, 0 in images without.
        distilled: cross-entropy with the teacher's outputs.
    """

    loss: tf.Tensor
    supervised: tf.Tensor
    distilled: tf.Tensor


def distillation(
    student_logits, teacher_logits, labels=None, *, temperature=1.0, alpha=1.0
):
    """Cross-entropy with a teacher, mixed with that of the labels there are.

    With P(y|x; t) = softmax(logits / t), over the images x of a batch,

        loss = mean_x [ -(1 - alpha) log P_student(label|x; 1)
                        - alpha t^2 sum_y P_teacher(y|x; t)
                                           log P_student(y|x; t) ],

    the first term being 0 where there is no label. Both means are over all
    images, as the paper's sums are over the images of one set.

    The factor t^2 is in the official notebook and not in the paper, which
    takes the mean without it; the notebook is followed. It keeps the gradient
    of the same order at every temperature above 1, and at t = 1 it is none.

    Args:
        student_logits: float [b, K], cast to float32.
        teacher_logits: float [b, K]; no gradient goes there.
        labels: int [b]; negative, or None, for images without label.
        temperature: t > 0, dimensionless, of teacher and student alike.
        alpha: weight of the teacher, in [0, 1]; at 1 labels play no part.

    Returns:
        `Distillation`.

    Raises:
        ValueError: if `temperature` or `alpha` is out of range.
        errors.UserError: if the two have other numbers of classes.

    Source: Chen et al. 2020b, equations 2 and 3; official
    tf2/colabs/distillation_self_training.ipynb (`add_kd_loss`).
    """
    check_arguments(student_logits, teacher_logits, temperature, alpha)
    distilled = tf.reduce_mean(
        soft_cross_entropy(
            student_logits, teacher_logits, temperature=temperature
        )
    )
    by_label = tf.zeros([])
    if labels is not None:
        by_label = tf.reduce_mean(
            supervised.masked_entropy(student_logits, labels)
        )
    loss = (1.0 - alpha) * by_label + alpha * distilled
    return Distillation(loss, by_label, distilled)


def soft_cross_entropy(student_logits, teacher_logits, *, temperature):
    """The teacher's part of the loss, image by image.

    Args:
        student_logits: float [b, K].
        teacher_logits: float [b, K]; no gradient goes there.
        temperature: t > 0.

    Returns:
        float32 [b], nats, times t^2.
    """
    teacher_logits = tf.stop_gradient(tf.cast(teacher_logits, tf.float32))
    student_logits = tf.cast(student_logits, tf.float32)
    losses = tf.nn.softmax_cross_entropy_with_logits(
        labels=tf.nn.softmax(teacher_logits / temperature),
        logits=student_logits / temperature,
    )
    return temperature**2 * losses


def check_arguments(student_logits, teacher_logits, temperature, alpha):
    """Raises what `distillation` says for arguments that do not fit."""
    if not temperature > 0:
        raise ValueError(f"temperature must be > 0; got {temperature}")
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be in [0, 1]; got {alpha}")
    student, teacher = student_logits.shape[1], teacher_logits.shape[1]
    if student != teacher:
        raise errors.UserError(
            f"the teacher must have the {student} classes of the student; it "
            f"has {teacher}"
        )
