"""`--train_mode=distill`: what learning from a teacher has of its own."""

import math

from simclr_tf import errors
from simclr_tf.data import class_names, labelled
from simclr_tf.methods import one_view, seen_labels, teacher, training_run
from simclr_tf.setup import given_images, networks, same_data
from simclr_tf.training import distill_step, learning


def run(config):
    """Distils; see `training_run.run`.

    Raises:
        errors.UserError: if configuration, data and teacher do not fit.
        RuntimeError: if the teacher has changed.
    """
    return training_run.run(config, Distillation())


class Distillation(one_view.OneView):
    """A student learns what a frozen teacher makes of images.

    Self-training is the case of a student like the teacher. At
    `distill_alpha` 1 no label is looked at.

    Source: Chen et al. 2020b, section 2, equations 2 and 3.
    """

    def __init__(self):
        """Nothing is opened yet."""
        super().__init__()
        self._teacher = None
        self._teacher_model = None
        self._label_list = None

    def open_source(self, config):
        """The images, with the labels that are to be used."""
        self._teacher = teacher.recall(config.teacher)
        source = given_images.open_source(config, "train_split")
        check_classes(source, self._teacher)
        if uses_labels(config):
            source = self._with_seen_labels(config, source)
        else:
            source = labelled.without_labels(source)
        if not config.unlabelled_dataset:
            return source
        return labelled.join(source, open_unlabelled(config))

    def _with_seen_labels(self, config, source):
        check_labelled(config, source)
        kept = seen_labels.choose(config, source)
        self._label_list = seen_labels.render(config, source, kept)
        if kept is None:
            return source
        hidden = labelled.hide_labels(source, kept)
        seen_labels.check_listed(config, hidden.labels[kept])
        return hidden

    def make_plan(self, config, source, num_replicas):
        """The run's numbers; the classes are the teacher's."""
        plan = super().make_plan(config, source, num_replicas)
        return plan._replace(num_classes=self._teacher.num_classes)

    def facts(self, source, plan):
        """A run does not go on with a teacher that has trained on."""
        return super().facts(source, plan) | {
            same_data.CLASS_NAMES: self._teacher.class_names,
            "teacher_step": self._teacher.step,
        }

    def check(self, config, source, plan):
        """Refuses a teacher of other images than the student's."""
        seen_labels.check(config, self._label_list)
        super().check(config, source, plan)
        expected = self._teacher.image_size or config.image_size
        if config.image_size != expected:
            raise errors.UserError(
                f"image_size must be {expected}, as teacher and student see "
                f"the same views and {config.teacher!r} was trained at it; "
                f"got {config.image_size}"
            )

    def make_state(self, config, plan):
        """The teacher; model and optimizer of the student."""
        self._teacher_model = teacher.make_model(self._teacher, config)
        return super().make_state(config, plan)

    def begin(self, opened):
        """Writes which labels are seen, and remembers the teacher."""
        seen_labels.write(opened.config, self._label_list)
        self.leave_alone(opened, "teacher", self._teacher_model)
        super().begin(opened)

    def make_step(self, config, state, views_of, *, num_replicas):
        """The step of the student."""
        return distill_step.DistillStep(
            state,
            teacher=teacher.logits_of(self._teacher_model),
            views_of=views_of,
            temperature=config.distill_temperature,
            alpha=config.distill_alpha,
            is_labelled=uses_labels(config),
            weight_decay=config.weight_decay,
            decayed_variables=networks.l2_loss_variables(config, state.model),
        )

    def describe_labels(self, source, plan):
        """How many are seen beside what the teacher says."""
        seen = "no label used"
        if source.num_classes is not None:
            seen = f"{_counted(labelled.count(source))} labels used"
        return f"{seen}, each taught as one of {plan.num_classes} classes"

    def describe_loss(self, config, plan):
        """Both parts, and the value of the first at chance."""
        alpha = config.distill_alpha
        labels = f", {1 - alpha:g} x that with labels" if alpha < 1 else ""
        return (
            f"{alpha:g} x cross-entropy with the teacher, temperature "
            f"{config.distill_temperature:g}{labels}; at chance "
            f"{self.chance(config, plan).loss:.4f} = t^2 log K"
        )

    def chance(self, config, plan):
        """The teacher's part at a uniform prediction."""
        loss = config.distill_temperature**2 * math.log(plan.num_classes)
        return learning.Chance(loss, 1 / plan.num_classes)


def uses_labels(config):
    """Whether labels have any weight."""
    return config.distill_alpha < 1


def open_unlabelled(config):
    """The source of `unlabelled_dataset`.

    Raises:
        errors.UserError: if it cannot be opened.
    """
    with errors.about("unlabelled_dataset"):
        return given_images.open_source(
            config.replace(dataset=config.unlabelled_dataset),
            "unlabelled_split",
        )


def check_classes(source, known):
    """Raises `UserError` if the data has labels of other classes.

    Args:
        source: the training `Source`.
        known: a `teacher.Teacher`.
    """
    if source.num_classes not in (None, known.num_classes):
        raise errors.UserError(
            f"teacher must have the {source.num_classes} classes of "
            f"{source.name!r}; {known.path!r} has {known.num_classes}"
        )
    differing = class_names.first_difference(
        source.class_names, known.class_names
    )
    if differing:
        number, ours, theirs = differing
        raise errors.UserError(
            f"teacher must have the classes of {source.name!r}, where class "
            f"{number} is {ours!r}; of {known.path!r} it is {theirs!r}"
        )


def check_labelled(config, source):
    """Raises `UserError` if labels are to be used and there are none."""
    if source.num_classes is None:
        raise errors.UserError(
            f"distill_alpha must be 1 for images without labels; got "
            f"{config.distill_alpha:g}, and {source.has_no_labels()}"
        )


def _counted(number):
    return "all" if number is None else number
