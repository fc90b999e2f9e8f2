"""Signatures of an exported network, preprocessing inside.

Dimension letters: `B` rows, `H W` image axes, `S` side the network takes, `K`
classes.
"""

import tensorflow as tf

from simclr_tf import matmul
from simclr_tf.augment import views

UINT8_IMAGES = tf.TensorSpec([None, None, None, 3], tf.uint8, name="images")
JPEG_BYTES = tf.TensorSpec([None], tf.string, name="jpeg")


def make_signatures(encode, *, images, image_size):
    """Concrete functions by signature name, each giving `{"default": ...}`.

    Args:
        encode: float32 [B, H, W, 3] in [0, 1] -> features float32 [B, D].
        images: the `tf.TensorSpec` of its argument.
        image_size: S, to which images of any size are brought as in
            evaluation, by `views.eval_images`.

    Returns:
        A dict. `serving_default` and `image_feature_vector` take `images`
        as `encode` does; `uint8_images` takes `images` uint8 [B, H, W, 3],
        `jpeg_bytes` takes `jpeg`, strings [B].
    """

    @tf.function(input_signature=[images])
    def from_floats(images):
        return {"default": encode(images)}

    feature_vector = from_floats.get_concrete_function()
    of_uint8, of_jpeg = _of_pictures(
        lambda images: {"default": encode(images)}, image_size
    )
    return {
        "serving_default": feature_vector,
        "image_feature_vector": feature_vector,
        "uint8_images": of_uint8,
        "jpeg_bytes": of_jpeg,
    }


def make_classifiers(logits_of, *, image_size, class_names=None):
    """Concrete functions that say which class is seen, by signature name.

    Each gives `probabilities` float32 [B, K], `classes` int64 [B], the number
    of the most likely class, and, given names, `names` string [B].

    Args:
        logits_of: float32 [B, H, W, 3] in [0, 1] -> float32 [B, K].
        image_size: S, as in `make_signatures`.
        class_names: K strings, or None.

    Returns:
        A dict. `predict` takes `images` uint8 [B, H, W, 3] of any size,
        `classify_jpeg` takes `jpeg`, strings [B].
    """

    def answer(images):
        logits = logits_of(images)
        classes = tf.argmax(logits, axis=-1)
        known = {"probabilities": tf.nn.softmax(logits), "classes": classes}
        if class_names:
            known["names"] = tf.gather(tf.constant(list(class_names)), classes)
        return known

    of_uint8, of_jpeg = _of_pictures(answer, image_size)
    return {"predict": of_uint8, "classify_jpeg": of_jpeg}


def _of_pictures(answer, image_size):
    """An answer to float images, asked of uint8 images and of JPEG files."""

    @tf.function(input_signature=[UINT8_IMAGES])
    def of_uint8(images):
        return answer(prepare(images, image_size))

    @tf.function(input_signature=[JPEG_BYTES])
    def of_jpeg(jpeg):
        return answer(decode(jpeg, image_size))

    return of_uint8.get_concrete_function(), of_jpeg.get_concrete_function()


def prepare(images, image_size):
    """uint8 [B, H, W, 3] of any size to float32 [B, S, S, 3] in [0, 1].

    On the CPU, wherever the network runs: exact, and of operations that
    TensorFlow Lite has.
    """
    with matmul.on_cpu():
        return views.eval_images(images, image_size=image_size)


def decode(jpeg, image_size):
    """JPEG files, strings [B], to float32 [B, S, S, 3] in [0, 1]."""

    def one(encoded):
        image = tf.io.decode_jpeg(encoded, channels=3)
        return prepare(image[tf.newaxis], image_size)[0]

    side = tf.TensorSpec([image_size, image_size, 3], tf.float32)
    return tf.map_fn(one, jpeg, fn_output_signature=side)
