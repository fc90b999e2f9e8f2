"""SimCLR in TensorFlow 2 and Keras 3.

The parts are imported when they are first asked for, so that importing the
package is cheap: `simclr_tf.Config` needs no TensorFlow. What TensorFlow and
Keras read from the environment when they start is set here, so import this
package first. `.keras` files that hold classes of it load from here on.
"""

import importlib

from simclr_tf import backend, cores, cpu, keras_classes, quiet_import

backend.use_tensorflow()
cores.limit_threads()
cpu.turn_on_onednn()
keras_classes.register()

__version__ = "0.1.0"

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
    "distill": ("tasks.api", "distill"),
    "embed": ("keras_api.embedding", "embed"),
    "evaluate": ("tasks.api", "evaluate"),
    "export": ("keras_api.export", "export"),
    "few_label_accuracy": ("keras_api.scores", "few_label_accuracy"),
    "finetune": ("tasks.api", "finetune"),
    "knn_accuracy": ("keras_api.scores", "knn_accuracy"),
    "linear_probe": ("keras_api.scores", "linear_probe"),
    "load_model": ("tasks.api", "load_model"),
    "nt_xent": ("losses.ntxent", "nt_xent"),
    "nt_xent_streaming": ("losses.ntxent_streaming", "nt_xent_streaming"),
    "open_dataset": ("keras_api.datasets", "open_dataset"),
    "pretrain": ("tasks.api", "pretrain"),
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
