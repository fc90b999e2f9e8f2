"""Names of the official TF2 checkpoints for our variables.

Source: official tf2/resnet.py and tf2/model.py, whose attributes and list
positions make the names; checked against its recorded layouts.
"""

from simclr_tf.models import blocks

ENCODER = "model/resnet_model/"
PROJECTION_HEAD = "model/_projection_head/"
SUPERVISED_HEAD = "model/supervised_head/"

_CONV = {"conv2d": ("kernel",)}
_NORM = {"bn": ("gamma", "beta", "moving_mean", "moving_variance")}
_GATE = {
    "se_reduce": ("kernel", "bias"),
    "se_expand": ("kernel", "bias"),
}
_SELECTIVE = {
    "conv2d_fixed_padding": _CONV,
    "batch_norm_relu": _NORM,
    "conv2d_0": ("kernel",),
    "batch_norm_relu_1": _NORM,
    "conv2d_1": ("kernel",),
}
_STEPS = {"#": _CONV | _NORM | _GATE | _SELECTIVE}
_BLOCK = {
    "shortcut_layers": _STEPS,
    "projection_layers": _STEPS,
    "conv2d_bn_layers": _STEPS,
    "conv_relu_dropblock_layers": _STEPS,
    "se_layer": _GATE,
}
NAME_TREE = {
    "model": {
        "resnet_model": {
            "initial_conv_relu_max_pool": _STEPS,
            "block_groups": {"#": {"layers": {"#": _BLOCK}}},
        },
        "_projection_head": {
            "linear_layers": {
                "#": {"dense": ("kernel",), "bn_relu": _NORM},
            },
        },
        "supervised_head": {
            "linear_layer": {"dense": ("kernel", "bias")},
        },
    },
}
"""Every name there can be, level by level; `#` is the position in a list."""


def tf2_variables(model):
    """The model's variables by official name, in creation order.

    Args:
        model: a built `simclr.SimCLR` over a `resnet.ResNet`.

    Returns:
        A dict from name, such as
        `model/resnet_model/initial_conv_relu_max_pool/0/conv2d/kernel`, to
        Keras variable.
    """
    named = {}
    named.update(_stem(model.encoder.stem))
    for group_index, group in enumerate(model.encoder.block_groups):
        for block_index, block in enumerate(group.blocks):
            prefix = (
                f"model/resnet_model/block_groups/{group_index}"
                f"/layers/{block_index}"
            )
            named.update(_block(block, prefix))
    for index, layer in enumerate(model.projection_head.layers):
        prefix = f"model/_projection_head/linear_layers/{index}"
        named[f"{prefix}/dense/kernel"] = layer.dense.kernel
        named.update(_norm(layer.norm, f"{prefix}/bn_relu/bn"))
    if model.supervised_head is not None:
        prefix = "model/supervised_head/linear_layer/dense"
        named[f"{prefix}/kernel"] = model.supervised_head.dense.kernel
        named[f"{prefix}/bias"] = model.supervised_head.dense.bias
    return named


def _stem(stem):
    prefix = "model/resnet_model/initial_conv_relu_max_pool"
    named = {}
    last = len(stem.convs) - 1
    for index, (conv, norm) in enumerate(
        zip(stem.convs, stem.norms, strict=True)
    ):
        named[f"{prefix}/{2 * index}/conv2d/kernel"] = conv.kernel
        # An identity named `initial_conv` stands before the last batch norm.
        position = 2 * index + (2 if index == last else 1)
        named.update(_norm(norm, f"{prefix}/{position}/bn"))
    return named


def _block(block, prefix):
    is_basic = isinstance(block, blocks.BasicBlock)
    shortcuts = "shortcut_layers" if is_basic else "projection_layers"
    named = {}
    if block.shortcut is not None:
        named.update(_shortcut(block.shortcut, f"{prefix}/{shortcuts}"))
    if is_basic:
        named.update(_basic(block, prefix))
    else:
        named.update(_bottleneck(block, prefix))
    return named


def _shortcut(shortcut, prefix):
    # ResNet-D: (padding,) average pool, convolution, batch norm.
    first = 0
    if shortcut.is_averaged:
        first = 2 if shortcut.strides > 1 else 1
    return {
        f"{prefix}/{first}/conv2d/kernel": shortcut.conv.kernel,
        **_norm(shortcut.norm, f"{prefix}/{first + 1}/bn"),
    }


def _basic(block, prefix):
    steps = f"{prefix}/conv2d_bn_layers"
    return {
        f"{steps}/0/conv2d/kernel": block.conv1.kernel,
        **_norm(block.norm1, f"{steps}/1/bn"),
        f"{steps}/2/conv2d/kernel": block.conv2.kernel,
        **_norm(block.norm2, f"{steps}/3/bn"),
        **_squeeze_excite(block.squeeze_excite, f"{prefix}/se_layer"),
    }


def _bottleneck(block, prefix):
    # A DropBlock of no variables stands at 2, after the middle, at the end.
    steps = f"{prefix}/conv_relu_dropblock_layers"
    if block.selective is not None:
        middle, last = _selective(block.selective, f"{steps}/3"), 5
    else:
        last = 6
        middle = {
            f"{steps}/3/conv2d/kernel": block.conv2.kernel,
            **_norm(block.norm2, f"{steps}/4/bn"),
        }
    return {
        f"{steps}/0/conv2d/kernel": block.conv1.kernel,
        **_norm(block.norm1, f"{steps}/1/bn"),
        **middle,
        f"{steps}/{last}/conv2d/kernel": block.conv3.kernel,
        **_norm(block.norm3, f"{steps}/{last + 1}/bn"),
        **_squeeze_excite(block.squeeze_excite, f"{steps}/{last + 3}"),
    }


def _selective(layer, prefix):
    return {
        f"{prefix}/conv2d_fixed_padding/conv2d/kernel": layer.conv.kernel,
        **_norm(layer.norm, f"{prefix}/batch_norm_relu/bn"),
        f"{prefix}/conv2d_0/kernel": layer.squeeze.kernel,
        **_norm(layer.squeeze_norm, f"{prefix}/batch_norm_relu_1/bn"),
        f"{prefix}/conv2d_1/kernel": layer.mix.kernel,
    }


def _squeeze_excite(layer, prefix):
    if layer is None:
        return {}
    return {
        f"{prefix}/se_{step}/{leaf}": getattr(getattr(layer, step), leaf)
        for step in ("reduce", "expand")
        for leaf in ("kernel", "bias")
    }


def _norm(layer, prefix):
    leaves = ("gamma", "beta", "moving_mean", "moving_variance")
    return {
        f"{prefix}/{leaf}": getattr(layer, leaf)
        for leaf in leaves
        if getattr(layer, leaf) is not None
    }
