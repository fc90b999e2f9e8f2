"""The configuration of a run; knows no TensorFlow."""

from simclr_tf.config.config import Config

__all__ = ["Config"]
