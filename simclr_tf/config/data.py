"""Configuration of the data: which images, and in what batches."""

import dataclasses

from simclr_tf.config import fields, paths, uses


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where images come from."""

    dataset: str = fields.knob(
        "imagenet2012",
        "Data set: 'digits' (embedded, no download), any TFDS image set "
        "('cifar10', 'imagenet2012_subset/1pct'), or 'folder:PATH'. Not given, "
        "that of the run, checkpoint or teacher, where it is recorded.",
        source="official tf2/run.py",
        identity=True,
        expand=paths.expand_dataset,
        changes="the images",
        used_in=(*uses.STEPS, *uses.SCORED),
    )
    data_dir: str | None = fields.knob(
        None,
        "Directory of prepared TFDS sets, as in TFDS itself.",
        expand=paths.expand,
        changes="where images are looked for",
        used_in=uses.DATA,
    )
    download: bool = fields.knob(
        True,
        "Download and prepare a TFDS set that is absent from data_dir.",
        changes="whether a missing set is prepared",
        used_in=(*uses.RUNS, *uses.EVALUATION),
    )
    train_split: str = fields.knob(
        "train",
        "Split to train on; TFDS slicing such as 'train[:90%]' is accepted.",
        source="official tf2/run.py",
        identity=True,
        changes="the images trained on, or fitted on",
        used_in=(*uses.STEPS, *uses.SCORED),
    )
    eval_split: str = fields.knob(
        "validation",
        "Split to evaluate on; TFDS slicing is accepted. Not given, and "
        "absent, it is 'test', or else a tenth held out of 'train'.",
        source="official tf2/run.py",
        changes="the images scored",
        used_in=(*uses.SCORED, "label_curve"),
    )
    cache_dataset: bool = fields.knob(
        False,
        "Read the encoded images into memory once; the order of a streamed "
        "set becomes a full permutation.",
        source="official tf2/run.py",
        identity=True,
        changes="how images are held, and their order",
        used_in=(*uses.RUNS, *uses.EVALUATION),
    )
    memory_limit_mb: int = fields.knob(
        2048,
        "Sets whose decoded uint8 images need less than this (MiB) are held "
        "in memory, larger ones are streamed. Decides the order of the "
        "examples.",
        identity=True,
        changes="how images are held, and their order",
        used_in=uses.DATA,
    )
    float_views: bool = fields.knob(
        False,
        "Crops of streamed images reach the device as float32, exactly as in "
        "the official pipeline; off, clipped and rounded to 8 bits, a quarter "
        "of the bytes. Sets held in memory are always exact.",
        source="official tf2/data_util.py (float32)",
        identity=True,
        changes="views of streamed images",
        used_in=uses.DEVICES,
    )
    max_image_pixels: int = fields.knob(
        64_000_000,
        "Refuse to decode an image with more pixels than this.",
        changes="the images accepted",
        used_in=uses.DATA,
    )
    check_images: str = fields.knob(
        "auto",
        "Which files of a folder are read when it is opened, so that one that "
        "cannot be read is named at once: all, none, or auto. auto decodes "
        "2,000, and looks at the headers and ends of 100,000.",
        choices=("auto", "all", "none"),
        changes="which files are read before the first step",
        used_in=uses.DATA,
    )
