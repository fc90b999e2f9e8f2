"""Writes files as the official code does, with the recorded layouts."""

import json

import official_weights
import tensorflow as tf

TF1_LAYOUT = json.loads(
    (official_weights.GOLDENS / "tf1_checkpoint_layout.json").read_text()
)

# Which comes first among the names of one level; 0 where not listed.
RANKS = {
    "block_groups": 1,
    "_projection_head": 2,
    "supervised_head": 3,
    "conv2d_bn_layers": 1,
    "conv_relu_dropblock_layers": 1,
    "batch_norm_relu": 1,
    "conv2d_0": 2,
    "batch_norm_relu_1": 3,
    "conv2d_1": 4,
    "bn_relu": 1,
    "bias": 1,
    "beta": 1,
    "moving_mean": 2,
    "moving_variance": 3,
}


def variables(name):
    """Key -> `tf.Variable` of a recorded configuration, by the formula."""
    shapes = official_weights.LAYOUT[name]["variables"]
    return {
        key: tf.Variable(official_weights.weight(key, shape))
        for key, shape in shapes.items()
    }


def nested(table, make_node):
    """A tree of nodes with the keys as paths."""
    root = make_node()
    for key, variable in table.items():
        *parents, leaf = key.split("/")
        node = root
        for name in parents:
            if not hasattr(node, name):
                setattr(node, name, make_node())
            node = getattr(node, name)
        setattr(node, leaf, variable)
    return root


def write_tf2(table, prefix, *, step=7):
    """A training checkpoint, with slots, as `tf.train.Checkpoint` writes."""
    root = nested(table, tf.train.Checkpoint)
    optimizer = tf.keras.optimizers.SGD(0.1, momentum=0.9)
    trained = [v for key, v in table.items() if "/moving_" not in key]
    optimizer.build(trained[:5])
    root.optimizer = optimizer
    root.global_step = tf.Variable(step, dtype=tf.int64)
    return root.write(prefix)


def write_saved_model(table, directory):
    """A SavedModel whose tensors lie under other names than the keys."""
    module = tf.Module()
    module.model = nested(table, tf.Module).model
    module.trainable_variables_list = [
        v for key, v in table.items() if "/moving_" not in key
    ]
    tf.saved_model.save(module, directory)
    return directory


def creation_order(keys):
    """TF2 keys in the order in which the official model makes them.

    Both releases make the shortcut of a block first; the recorded TF1
    layouts are in this order. Written apart from the package, to test it.
    """

    def rank(key):
        parts = key.split("/")
        return [int(p) if p.isdigit() else RANKS.get(p, 0) for p in parts]

    return sorted(keys, key=rank)


def tf1_tensors(name):
    """TF1 name -> array of a recorded configuration."""
    keys = creation_order(official_weights.LAYOUT[name]["variables"])
    return {
        tf1_name: official_weights.weight(key, shape)
        for (tf1_name, shape), key in zip(
            TF1_LAYOUT[name].items(), keys, strict=True
        )
    }


def write_tf1(tensors, prefix, *, step=7):
    """A TF1 checkpoint with Momentum slots and moving averages."""
    extra = {
        f"{tf1_name}/{suffix}": value * 0
        for tf1_name, value in list(tensors.items())[:4]
        for suffix in ("Momentum", "ExponentialMovingAverage")
    }
    everything = {**tensors, **extra, "global_step": tf.constant(step)}
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(everything),
        shape_and_slices=[""] * len(everything),
        tensors=list(everything.values()),
    )
    return prefix
