"""The one configuration of a run: every group, flat and frozen."""

import dataclasses
import difflib
import inspect
import json
import typing

from simclr_tf import errors
from simclr_tf.config import (
    data,
    distillation,
    evaluation,
    fields,
    hardware,
    label_curve,
    labels,
    model,
    objective,
    optimizer,
    run,
    validation,
)

_GROUPS = (
    ("Run", run.RunConfig),
    ("Data", data.DataConfig),
    ("Model", model.ModelConfig),
    ("Objective and views", objective.ObjectiveConfig),
    ("Optimiser and schedule", optimizer.OptimizerConfig),
    ("Labels", labels.LabelsConfig),
    ("Distillation", distillation.DistillationConfig),
    ("Machine", hardware.HardwareConfig),
    ("Evaluation", evaluation.EvaluationConfig),
    ("Label curve", label_curve.LabelCurveConfig),
)


@dataclasses.dataclass(frozen=True)
class Config(
    data.DataConfig,
    model.ModelConfig,
    objective.ObjectiveConfig,
    optimizer.OptimizerConfig,
    run.RunConfig,
    labels.LabelsConfig,
    distillation.DistillationConfig,
    hardware.HardwareConfig,
    evaluation.EvaluationConfig,
    label_curve.LabelCurveConfig,
):
    """All knobs of a run as attributes, checked when it is made.

    `Config(dataset="digits", model_dir="runs/d").temperature` is 0.1. Equal
    configurations compare equal whoever set their values; `explicit` holds
    the names the caller set. Names, meanings and defaults are those of the
    official flags where one exists.

    Raises:
        errors.UserError: if a name is unknown, or a value has the wrong type
            or breaks a rule of `validation`.

    Source: official tf2/run.py.
    """

    if not typing.TYPE_CHECKING:  # checkers and editors read the fields

        def __init__(self, **values):
            """Sets the given knobs, and the others to their defaults."""
            self._assign(values, frozenset(values))

    def __repr__(self):
        """The call that makes an equal configuration with the same set."""
        known = [f for _, group in self.group_fields() for f in group]
        shown = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in known
            if field.name in self.explicit
            or getattr(self, field.name) != field.default
        ]
        return f"Config({', '.join(shown)})"

    def _assign(self, values, explicit):
        known = {field.name: field for field in dataclasses.fields(self)}
        for name in values:
            if name not in known:
                raise _unknown(name, known)
        for name, field in known.items():
            value = values.get(name, field.default)
            object.__setattr__(self, name, fields.coerce(field, value))
        object.__setattr__(self, "explicit", frozenset(explicit))
        validation.check(self)

    @classmethod
    def _restored(cls, values, explicit):
        config = object.__new__(cls)
        config._assign(values, explicit)
        return config

    def replace(self, **values):
        """A copy with other values, which count as set explicitly."""
        merged = {**dataclasses.asdict(self), **values}
        return self._restored(merged, self.explicit | set(values))

    def to_json(self):
        """The configuration as JSON text: every field, and `explicit`."""
        record = dataclasses.asdict(self) | {"explicit": sorted(self.explicit)}
        return json.dumps(record, indent=2) + "\n"

    @classmethod
    def from_json(cls, text):
        """The configuration that `to_json` wrote.

        Fields that are absent take their defaults; a key "versions" beside
        the fields is ignored.

        Raises:
            errors.UserError: if the text is not such a record, or holds a
                field this version does not know.
        """
        try:
            values = dict(json.loads(text))
        except (TypeError, ValueError) as error:
            raise errors.UserError(
                f"config.json must hold a JSON object; got {text[:40]!r}"
            ) from error
        values.pop("versions", None)
        explicit = values.pop("explicit", ())
        return cls._restored(values, frozenset(explicit))

    def identity(self):
        """Name to value of the fields a resumed run must share."""
        return self._marked("identity")

    def architecture(self):
        """Name to value of the fields a checkpoint determines."""
        return self._marked("architecture")

    def _marked(self, mark):
        marked = [f for f in dataclasses.fields(self) if f.metadata[mark]]
        return {field.name: getattr(self, field.name) for field in marked}

    @classmethod
    def group_fields(cls):
        """Pairs of a group's title and its tuple of dataclass fields."""
        return tuple(
            (title, dataclasses.fields(group)) for title, group in _GROUPS
        )


def _signature():
    """The constructor's: every field by its name, in the order of --help."""
    return inspect.Signature(
        [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=field.type,
            )
            for _, group in Config.group_fields()
            for field in group
        ]
    )


Config.__signature__ = _signature()


def _unknown(name, known):
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return errors.UserError(
        f"Config must be given known fields; got {name!r}{hint}"
    )
