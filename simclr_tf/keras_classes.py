"""This package's classes, known to Keras by name before they are imported.

A `.keras` file names the classes it is made of, and Keras imports nobody's
module to find them. Importing all of them with the package would import
TensorFlow; so each name stands for its class until Keras makes something of
it, and the names are registered as soon as Keras itself has been imported.
"""

import functools
import importlib
import sys

PACKAGE = "simclr_tf"
MODULES = {
    "ExtendedCosine": "optim.schedules",
    "LAMB": "optim.lamb",
    "LARS": "optim.lars",
    "NTXent": "keras_api.loss",
    "ProjectionHead": "models.heads",
    "RandomViews": "keras_api.views",
    "ResNet": "models.resnet",
    "SavedModelLayer": "exports.layer",
    "SimCLR": "keras_api.model",
    "WarmupCosine": "optim.schedules",
}
"""The module of every class that registers itself with Keras."""
_KERAS = "keras"


class Later:
    """A class that is imported when something of it is asked for."""

    def __init__(self, name):
        """Takes a name in `MODULES`."""
        self._name = name

    def __getattr__(self, attribute):
        """What the class has."""
        module = importlib.import_module(f"{PACKAGE}.{MODULES[self._name]}")
        return getattr(getattr(module, self._name), attribute)


def register():
    """Registers all classes: now, or when Keras has been imported."""
    if _KERAS in sys.modules:
        _register_now()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _register_now():
    saving = sys.modules[_KERAS].saving
    for name in MODULES:
        if saving.get_registered_object(f"{PACKAGE}>{name}") is None:
            saving.register_keras_serializable(PACKAGE, name)(Later(name))


class _AfterKeras:
    """A finder that finds Keras as others do, and is told when it is there."""

    def find_spec(self, name, path=None, target=None):
        """The spec that the other finders give for Keras; None for others."""
        if name != _KERAS:
            return None
        for finder in [each for each in sys.meta_path if each is not self]:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                run = functools.partial(self._run, spec.loader.exec_module)
                spec.loader.exec_module = run
                return spec
        return None

    def _run(self, exec_module, module):
        exec_module(module)
        if self in sys.meta_path:
            sys.meta_path.remove(self)
            _register_now()
