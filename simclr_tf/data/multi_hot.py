"""Images that show several classes, labelled by their annotated objects.

Legend: `m` objects in an image, `K` classes.
"""

import tensorflow as tf

SEEN, UNSEEN, DIFFICULT = 1, 0, -1


def encode(objects, *, num_classes):
    """Labels of one image.

    A class all of whose objects are difficult is left out of the score of
    that class, as the challenge does; so is it here.

    Args:
        objects: dict of "label" int [m] and, if known, "is_difficult" bool
            [m].
        num_classes: K.

    Returns:
        int32 [K] of `SEEN`, `UNSEEN` and `DIFFICULT`.

    Source: Everingham et al. 2010 (PASCAL VOC), classification task.
    """
    labels = objects["label"]
    is_difficult = objects.get("is_difficult", tf.zeros_like(labels, tf.bool))
    is_of_class = tf.one_hot(labels, num_classes, True, False)  # [m, K]
    is_difficult = is_difficult[:, tf.newaxis]  # [m, 1]
    is_easy = tf.reduce_any(is_of_class & ~is_difficult, axis=0)  # [K]
    is_hard = tf.reduce_any(is_of_class & is_difficult, axis=0)
    return tf.where(is_easy, SEEN, tf.where(is_hard, DIFFICULT, UNSEEN))
