"""Whether a run goes on with the images that it began with."""

from absl import logging

from simclr_tf import errors
from simclr_tf.config import paths
from simclr_tf.data import class_names, folder

CLASS_NAMES = "class_names"
"""The fact that tells what the classes are called, where they have names."""
FILE_LIST = "file_list"
"""The fact that stands for the files of a folder, see `Source`."""
OF_IMAGES = ("num_examples", FILE_LIST, "train_steps")
"""Facts that follow the images alone; the network is the same with others."""
CHANGES = "data_changes"
"""The fact that tells what a run saw before, and until which step."""


def check(facts, former, path, *, accepts_change):
    """Refuses other images than those that a run began with.

    Args:
        facts: see `model_dir.open_run`.
        former: those of the run that `path` holds.
        path: its directory.
        accepts_change: the classes staying the same, other images are right.

    Raises:
        errors.UserError: saying what is different.
    """
    differing = class_names.first_difference(
        facts.get(CLASS_NAMES), former.get(CLASS_NAMES)
    )
    if differing:
        number, ours, theirs = differing
        raise errors.UserError(
            f"model_dir must hold no other run; {path!r} has {theirs!r} for "
            f"class {number}, now it is {ours!r}"
        )
    change = describe_change(facts, former)
    if change and not accepts_change:
        raise errors.UserError(
            f"dataset must hold the images that the run in {path!r} began "
            f"with; {change}; --accept_data_change goes on with what is there"
        )


def facts_beside_images(facts, former):
    """The facts that must be a run's own, whatever the images are.

    Args:
        facts: see `model_dir.open_run`.
        former: those of the run.

    Returns:
        A part of `facts`.
    """
    left_out = {CLASS_NAMES, CHANGES, FILE_LIST}
    if describe_change(facts, former):
        left_out |= set(OF_IMAGES)
    return {k: v for k, v in facts.items() if k not in left_out}


def describe_change(facts, former):
    """How the images differ from a run's in words; "" if they do not."""
    before, now = former.get("num_examples"), facts.get("num_examples")
    if before != now:
        return f"there were {before}, now there are {now}"
    lists = (former.get(FILE_LIST), facts.get(FILE_LIST))
    if None in lists or lists[0] == lists[1]:
        return ""
    return f"of its {now} files some were renamed or replaced"


def with_changes(facts, former, *, step):
    """The facts of a run that goes on, with what it saw before.

    Args:
        facts: those of now.
        former: those recorded.
        step: at which it goes on.

    Returns:
        `facts`, with `CHANGES` where there were any: a list of dicts, the
        facts of `OF_IMAGES` and "until_step".
    """
    changes = list(former.get(CHANGES, []))
    change = describe_change(facts, former)
    if change:
        logging.info("the images changed at step %d: %s", step, change)
        seen = {name: former[name] for name in OF_IMAGES if name in former}
        changes.append(seen | {"until_step": step})
    return facts | ({CHANGES: changes} if changes else {})


def is_moved(dataset, former, file_list):
    """Whether a data set is the folder of a run, in another place.

    Args:
        dataset: as asked for.
        former: dataset of the run.
        file_list: of the one asked for, and of the run's; None if unknown.

    Returns:
        True if both are folders that hold the same files.
    """
    ours, theirs = file_list
    are_folders = all(
        name.startswith(paths.FOLDER_PREFIX) for name in (dataset, former)
    )
    return are_folders and ours is not None and ours == theirs


def is_moved_folder(dataset, run):
    """As `is_moved`, for a data set that is not opened yet.

    Args:
        dataset: as asked for.
        run: from `model_dir.read_run`.

    Raises:
        errors.UserError: if it is a folder that cannot be read.
    """
    config, known = run["config"], run["facts"].get(FILE_LIST)
    is_folder = dataset.startswith(paths.FOLDER_PREFIX)
    if known is None or not is_folder or dataset == config.dataset:
        return False
    found = folder.file_list_of(dataset, config.train_split)
    # Of images joined from two sets the first are those of the data set.
    theirs = known.split(" + ")[0]
    return is_moved(dataset, config.dataset, (found, theirs))
