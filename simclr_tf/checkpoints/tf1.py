"""Names of the official TF1 checkpoints for our variables.

TensorFlow 1 numbered the layers of the encoder as they were made, in the
order in which the TF2 model makes them, too.

Source: official resnet.py and model_util.py (TF1); checked against its
recorded layouts, which hold no squeeze-and-excite: there the numbering
follows the source alone.
"""

from simclr_tf.checkpoints import official

ENCODER = "base_model/"
PROJECTION_HEAD = "head_contrastive/"
SUPERVISED_HEAD = "head_supervised/"
SCOPES = (ENCODER, PROJECTION_HEAD, SUPERVISED_HEAD)

_CONV_LEAVES = ("kernel", "bias")


def tf1_variables(model):
    """The model's variables by official TF1 name, in creation order.

    Args:
        model: a built `simclr.SimCLR` over a `resnet.ResNet`.

    Returns:
        A dict from name, such as `base_model/conv2d_1/kernel`, to Keras
        variable.
    """
    numbers = {"conv2d": {}, "batch_normalization": {}}
    prefix = "l_" if model.projection_head.mode == "linear" else "nl_"
    named = {}
    for name, variable in official.tf2_variables(model).items():
        if name.startswith(official.ENCODER):
            named[_encoder_name(name, numbers)] = variable
        else:
            named[_head_name(name, prefix)] = variable
    return named


def _encoder_name(name, numbers):
    layer, _, leaf = name.rpartition("/")
    kind = "conv2d" if leaf in _CONV_LEAVES else "batch_normalization"
    number = numbers[kind].setdefault(layer, len(numbers[kind]))
    suffix = f"_{number}" if number else ""
    return f"{ENCODER}{kind}{suffix}/{leaf}"


def _head_name(name, prefix):
    if name.startswith(official.SUPERVISED_HEAD):
        return SUPERVISED_HEAD + name.removeprefix(official.SUPERVISED_HEAD)
    path = name.removeprefix(official.PROJECTION_HEAD)
    path = path.replace("linear_layers/", prefix)
    return PROJECTION_HEAD + path.replace("bn_relu/bn", "batch_normalization")
