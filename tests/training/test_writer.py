import glob
import json

import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator

from simclr_tf.training import writer


def rows(directory):
    with open(f"{directory}/{writer.METRICS_FILE}") as file:
        return [json.loads(line) for line in file]


def test_scalars_reach_both_places(tmp_path):
    out = writer.MetricsWriter(str(tmp_path))
    out.scalars(3, {"train/contrast_loss": 1.5})
    out.images(3, "image", np.zeros([2, 8, 8, 3], np.float32))
    out.close()
    assert rows(tmp_path) == [{"step": 3, "train/contrast_loss": 1.5}]
    events = event_accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    tags = events.Tags()
    assert "train/contrast_loss" in tags["tensors"]
    assert any(tag.startswith("image") for tag in tags["tensors"])


def test_not_a_number_is_null(tmp_path):
    out = writer.MetricsWriter(str(tmp_path))
    out.scalars(1, {"x": float("nan")})
    out.close()
    assert rows(tmp_path) == [{"step": 1, "x": None}]


@pytest.mark.parametrize(
    "torn",
    [
        "",
        '{"step": 2, "x"',
        "\0" * 300,
        "\0" * 300 + "\n",
        "[]\nnull\n{}\n",
        '{"step": "two"}\n',
        "[" * 200_000 + "\n",
        "\ud800\n",
    ],
    ids=lambda text: repr(text[:6]),
)
def test_a_resume_tells_one_history(tmp_path, torn):
    out = writer.MetricsWriter(str(tmp_path))
    for step in (1, 2, 3):
        out.scalars(step, {"x": 0.0})
    out.close()
    with open(f"{tmp_path}/{writer.METRICS_FILE}", "ab") as file:
        file.write(torn.encode("utf-8", "surrogatepass"))
    again = writer.MetricsWriter(str(tmp_path), start_step=2)
    again.scalars(3, {"x": 1.0})
    again.close()
    assert [(row["step"], row["x"]) for row in rows(tmp_path)] == [
        (1, 0.0),
        (2, 0.0),
        (3, 1.0),
    ]


def test_events_from_outside_the_loop(tmp_path):
    writer.write_events(str(tmp_path), 5, {"eval/label_top_1_accuracy": 0.5})
    assert glob.glob(f"{tmp_path}/events*")


def test_the_last_value_of_every_metric(tmp_path):
    assert writer.last_values(str(tmp_path)) == {}
    out = writer.MetricsWriter(str(tmp_path))
    out.scalars(1, {"loss": 3.0, "knn": 0.5})
    out.scalars(2, {"loss": 2.0, "rate": float("nan")})
    out.close()
    found = writer.last_values(str(tmp_path))
    assert (found["loss"], found["knn"]) == (2.0, 0.5)
    assert np.isnan(found["rate"])
