"""Every field that a training uses changes what it should change there."""

import numpy as np
import pytest
import training_parts
from training_lines import COMMON, ELSEWHERE, TRAINED
from wiring_line import changed_together, check_changes, differ, line, used_in

from simclr_tf.config import uses

TABLES = {
    "pretrain": COMMON | {
        "lineareval_while_pretraining": line(False, "network.num_classes"),
        "temperature": line(0.5, "weights.encoder"),
        "hidden_norm": line(False, "weights.encoder"),
        "nt_xent": line("streaming", "PretrainStep.contrast"),
        "color_jitter_strength": line(0.5, "views"),
        "color_jitter_impl": line("v1", "views"),
        "use_blur": line(False, "views", image_size=32),
        "microbatch_size": line(4, "statistics.encoder"),
        "knn_every_epochs": line(2, "train.every", knn_neighbors=5),
        "knn_neighbors": line(
            6, "accuracy.neighbors", knn_every_epochs=1, knn_neighbors=5
        ),
        "knn_temperature": line(
            0.5, "accuracy.temperature", knn_every_epochs=1, knn_neighbors=5
        ),
        "eval_batch_size": line(
            4, "eval_dataset.batch_size", knn_every_epochs=1, knn_neighbors=5
        ),
    },
    "finetune": COMMON | {
        "fine_tune_after_block": line(
            0, "weights.encoder", checkpoint=TRAINED
        ),
        "from_scratch": line(True, "initial.encoder", checkpoint=TRAINED),
        "label_fraction": line(0.5, "write.labels"),
        "labels_per_class": line(1, "write.labels"),
        "label_file": line("@labels", "write.labels"),
    },
    "distill": COMMON | {
        "fine_tune_after_block": line(
            0, "weights.encoder", checkpoint=TRAINED
        ),
        "teacher": line("@other", "weights.encoder"),
        "distill_temperature": line(3.0, "weights.encoder"),
        "distill_alpha": line(0.5, "weights.encoder"),
        "label_fraction": line(0.5, "write.labels", distill_alpha=0.5),
        "labels_per_class": line(1, "write.labels", distill_alpha=0.5),
        "label_file": line("@labels", "write.labels", distill_alpha=0.5),
        "unlabelled_dataset": line("digits", "open_source.split"),
        "unlabelled_split": line(
            "test[:9]", "open_source.split", unlabelled_dataset="digits"
        ),
    },
}  # fmt: skip
GIVEN = {
    "pretrain": {},
    "finetune": {"train_mode": "finetune", "from_scratch": True},
    "distill": {"train_mode": "distill", "teacher": TRAINED},
}


def cases():
    return [
        pytest.param(activity, name, id=f"{activity}-{name}")
        for activity in uses.TRAINING
        for name in used_in(activity)
        if name not in ELSEWHERE
    ]


@pytest.fixture(scope="module")
def places(trained, tmp_path_factory):
    """What names of places in a table stand for."""
    root = tmp_path_factory.mktemp("places")
    (root / "labels.txt").write_text("\n".join(map(str, range(20))))
    other = training_parts.Parts(model_dir="d", seed=6)
    return {
        TRAINED: trained,
        "@labels": str(root / "labels.txt"),
        "@other": training_parts.save(other, root / "other"),
    }


@pytest.mark.parametrize(("activity", "name"), cases())
def test_a_field_changes_what_it_should(activity, name, baseline, places):
    assert name in TABLES[activity], (
        f"{activity} uses {name}: say in TABLES what it changes there"
    )
    row = TABLES[activity][name]
    given = {"model_dir": "d"} | GIVEN[activity] | row.given
    if "checkpoint" in (name, *row.given):
        given["from_scratch"] = False
    changed = changed_together(TABLES[activity], name)
    before, after = (
        baseline(**{k: places.get(v, v) for k, v in each.items()})
        for each in (given, given | changed)
    )
    check_changes(before.outcome, after.outcome, row)


@pytest.mark.parametrize("activity", uses.TRAINING)
def test_no_line_is_left_over(activity):
    assert set(TABLES[activity]) <= set(used_in(activity))


def encoder_and_head(parts, labels):
    parts.step(labels)
    found = training_parts.values_of(parts.state.model.trainable_variables)
    return found["encoder"], found["head"]


@pytest.mark.parametrize(("mode", "leaks"), [("pretrain", 0), ("finetune", 1)])
def test_labels_reach_the_encoder_in_fine_tuning_alone(mode, leaks):
    labels = np.arange(8)
    ours, theirs = (
        encoder_and_head(
            training_parts.Parts(model_dir="d", **GIVEN[mode]), each
        )
        for each in (labels, labels[::-1])
    )
    assert differ(ours[1], theirs[1])
    assert differ(ours[0], theirs[0]) == bool(leaks)
