"""The recorded configurations and their weights, a formula of the key."""

import json
import pathlib
import zlib

import numpy as np

from simclr_tf.checkpoints import official
from simclr_tf.models import resnet, simclr

GOLDENS = pathlib.Path(__file__).parent / "goldens"
LAYOUT = json.loads((GOLDENS / "tf2_checkpoint_layout.json").read_text())


def weight(key, shape):
    """The value that the recorded network starts from, float32."""
    state = np.random.RandomState(zlib.crc32(key.encode()))
    draws = state.standard_normal(shape).astype("float32")
    leaf = key.rsplit("/", 1)[-1]
    if leaf == "kernel":
        return draws * np.sqrt(2 / np.prod(shape[:-1])).astype("float32")
    if leaf == "gamma":
        return 1 + 0.1 * draws
    if leaf == "moving_variance":
        return 1 + 0.1 * np.abs(draws)
    return 0.1 * draws


def recorded_input(name):
    """The images given to a recorded network: float32 [16, S, S, 3 V].

    Found to be drawn so, exactly; two views for pretraining, one else.
    """
    config = LAYOUT[name]["config"]
    size, views = config["image_size"], num_views(config)
    shape = [16, size, size, 3 * views]
    return _draws(name).random_sample(shape).astype("float32")


def recorded_batches(name, config):
    """Images and labels of the three recorded steps, drawn likewise.

    Returns:
        (float32 [3, b, S, S, 3 V], int32 [3, b]).
    """
    size, batch = config["image_size"], config["batch"]
    shape = [3, batch, size, size, 3 * num_views(config)]
    state = _draws(name)
    images = state.random_sample(shape).astype("float32")
    labels = state.randint(0, config["num_classes"], shape[:2])
    return images, labels.astype("int32")


def num_views(config):
    """Views of an image: two for pretraining, one for fine-tuning."""
    return 1 if config.get("train_mode") == "finetune" else 2


def _draws(name):
    return np.random.RandomState(zlib.crc32(name.encode()))


def make_model(name, *, fused_bn=False):
    """The model of a recorded configuration, built.

    By default in the official arithmetic, whose rounding is in the records.
    """
    config = LAYOUT[name]["config"]
    size = config["image_size"]
    encoder = resnet.ResNet(
        config["resnet_depth"],
        sk_ratio=config.get("sk_ratio", 0.0),
        se_ratio=config.get("se_ratio", 0.0),
        stem="cifar" if size <= 32 else "imagenet",
        fused_bn=fused_bn,
    )
    model = simclr.SimCLR(
        encoder,
        num_classes=LAYOUT[name]["num_classes"],
        num_proj_layers=config.get("num_proj_layers", 3),
        ft_proj_selector=config.get("ft_proj_selector", 0),
        probe_stop_gradient=config.get("train_mode") != "finetune",
        fused_bn=fused_bn,
    )
    return model.build_on(size)


def set_weights(model):
    """Gives every variable its value."""
    for key, variable in official.tf2_variables(model).items():
        variable.assign(weight(key, variable.shape))


def split_views(images):
    """Views on channels [N, H, W, 3 V] to views on rows [V N, H, W, 3]."""
    num_views = images.shape[-1] // 3
    return np.concatenate(np.split(images, num_views, axis=-1))
