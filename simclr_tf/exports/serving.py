"""Signatures of an exported network, preprocessing inside.

Dimension letters: `B` rows, `H W` image axes, `S` side the network takes, `K`
classes.
"""

import tensorflow as tf

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

    @tf.function(input_signature=[UINT8_IMAGES])
    def from_uint8(images):
        return {"default": encode(prepare(images, image_size))}

    @tf.function(input_signature=[JPEG_BYTES])
    def from_jpeg(jpeg):
        return {"default": encode(decode(jpeg, image_size))}

    feature_vector = from_floats.get_concrete_function()
    return {
        "serving_default": feature_vector,
        "image_feature_vector": feature_vector,
        "uint8_images": from_uint8.get_concrete_function(),
        "jpeg_bytes": from_jpeg.get_concrete_function(),
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

    @tf.function(input_signature=[UINT8_IMAGES])
    def predict(images):
        return answer(prepare(images, image_size))

    @tf.function(input_signature=[JPEG_BYTES])
    def classify_jpeg(jpeg):
        return answer(decode(jpeg, image_size))

    return {
        "predict": predict.get_concrete_function(),
        "classify_jpeg": classify_jpeg.get_concrete_function(),
    }


def prepare(images, image_size):
    """uint8 [B, H, W, 3] of any size to float32 [B, S, S, 3] in [0, 1]."""
    return views.eval_images(images, image_size=image_size)


def decode(jpeg, image_size):
    """JPEG files, strings [B], to float32 [B, S, S, 3] in [0, 1]."""

    def one(encoded):
        image = tf.io.decode_jpeg(encoded, channels=3)
        return prepare(image[tf.newaxis], image_size)[0]

    side = tf.TensorSpec([image_size, image_size, 3], tf.float32)
    return tf.map_fn(one, jpeg, fn_output_signature=side)
