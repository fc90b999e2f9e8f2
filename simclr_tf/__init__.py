"""SimCLR in TensorFlow 2 and Keras 3.

The parts are imported when they are first asked for, so that importing the
package is cheap: `simclr_tf.Config` needs no TensorFlow. What TensorFlow and
Keras read from the environment when they start is set here, so import this
package first. `.keras` files that hold classes of it load from here on.
"""

import importlib
import typing

from simclr_tf import backend, cores, cpu, keras_classes, quiet_import

backend.use_tensorflow()
cores.limit_threads()
cpu.turn_on_onednn()
keras_classes.register()

__version__ = "0.1.0"

if typing.TYPE_CHECKING:  # what `__getattr__` imports, for type checkers
    from simclr_tf.augment.views import apply_views as apply_views
    from simclr_tf.augment.views import sample_views as sample_views
    from simclr_tf.commands.api import distill as distill
    from simclr_tf.commands.api import evaluate as evaluate
    from simclr_tf.commands.api import finetune as finetune
    from simclr_tf.commands.api import load_model as load_model
    from simclr_tf.commands.api import pretrain as pretrain
    from simclr_tf.config.config import Config as Config
    from simclr_tf.errors import UserError as UserError
    from simclr_tf.exports.layer import SavedModelLayer as SavedModelLayer
    from simclr_tf.keras_api.callbacks import KNNCallback as KNNCallback
    from simclr_tf.keras_api.datasets import open_dataset as open_dataset
    from simclr_tf.keras_api.embedding import embed as embed
    from simclr_tf.keras_api.export import export as export
    from simclr_tf.keras_api.loss import NTXent as NTXent
    from simclr_tf.keras_api.model import SimCLR as SimCLR
    from simclr_tf.keras_api.scores import (
        few_label_accuracy as few_label_accuracy,
    )
    from simclr_tf.keras_api.scores import knn_accuracy as knn_accuracy
    from simclr_tf.keras_api.scores import linear_probe as linear_probe
    from simclr_tf.keras_api.views import RandomViews as RandomViews
    from simclr_tf.losses.ntxent import nt_xent as nt_xent
    from simclr_tf.losses.ntxent_streaming import (
        nt_xent_streaming as nt_xent_streaming,
    )
    from simclr_tf.models.heads import ProjectionHead as ProjectionHead
    from simclr_tf.models.resnet import ResNet as ResNet
    from simclr_tf.optim.lamb import LAMB as LAMB
    from simclr_tf.optim.lars import LARS as LARS
    from simclr_tf.optim.schedules import WarmupCosine as WarmupCosine

_EXPORTS = {
    "Config": ("config.config", "Config"),
    "KNNCallback": ("keras_api.callbacks", "KNNCallback"),
    "LAMB": ("optim.lamb", "LAMB"),
    "LARS": ("optim.lars", "LARS"),
    "NTXent": ("keras_api.loss", "NTXent"),
    "ProjectionHead": ("models.heads", "ProjectionHead"),
    "RandomViews": ("keras_api.views", "RandomViews"),
    "ResNet": ("models.resnet", "ResNet"),
    "SavedModelLayer": ("exports.layer", "SavedModelLayer"),
    "SimCLR": ("keras_api.model", "SimCLR"),
    "UserError": ("errors", "UserError"),
    "WarmupCosine": ("optim.schedules", "WarmupCosine"),
    "apply_views": ("augment.views", "apply_views"),
    "distill": ("commands.api", "distill"),
    "embed": ("keras_api.embedding", "embed"),
    "evaluate": ("commands.api", "evaluate"),
    "export": ("keras_api.export", "export"),
    "few_label_accuracy": ("keras_api.scores", "few_label_accuracy"),
    "finetune": ("commands.api", "finetune"),
    "knn_accuracy": ("keras_api.scores", "knn_accuracy"),
    "linear_probe": ("keras_api.scores", "linear_probe"),
    "load_model": ("commands.api", "load_model"),
    "nt_xent": ("losses.ntxent", "nt_xent"),
    "nt_xent_streaming": ("losses.ntxent_streaming", "nt_xent_streaming"),
    "open_dataset": ("keras_api.datasets", "open_dataset"),
    "pretrain": ("commands.api", "pretrain"),
    "sample_views": ("augment.views", "sample_views"),
}

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name):
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _EXPORTS[name]
    with quiet_import.quietly():
        part = importlib.import_module(f"{__name__}.{module}")
    value = getattr(part, attribute)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_EXPORTS})
