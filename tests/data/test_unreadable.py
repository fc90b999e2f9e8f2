"""Images that cannot be read are named, all of them, before training."""

import os
import pathlib

import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import images, sources, unreadable

BMP = pathlib.Path(__file__).parent.parent / "goldens/bmp/palette_8bit.bmp"
NOISE = ("\n", "{{", "[[", "Op:", "Iterator", "Traceback")
ENDED = [("JPEG", -2), ("PNG", -4), ("GIF", -1), ("BMP", -40), ("WEBP", -9)]


@pytest.fixture
def good(image_maker):
    return image_maker.encode(image_maker.random_image(0), "JPEG")


@pytest.fixture
def folder(tmp_path):
    """Makes a `PathSource` of files with given contents."""

    def make(*contents):
        paths = []
        for number, content in enumerate(contents):
            paths.append(str(tmp_path / f"{number}.jpg"))
            pathlib.Path(paths[-1]).write_bytes(content)
        return sources.PathSource(
            name="folder", split="train", num_examples=len(paths),
            paths=tuple(paths), root=str(tmp_path),
        )  # fmt: skip

    return make


@pytest.fixture
def few_decoded(monkeypatch):
    """Checks as if a folder of some images were one of thousands."""
    monkeypatch.setattr(unreadable, "MAX_DECODED", 2)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda good, _: b"", "not a JPEG, PNG, GIF, BMP or still WebP image"),
        (lambda good, _: b"<html></html>", "not a JPEG"),
        (lambda good, _: good[: len(good) // 2], ""),
        (lambda good, _: good[:-2], ""),
        (lambda good, made: made.claim_size(good, 9000, 9000), "81000000"),
        (lambda good, _: BMP.read_bytes()[:10], ""),
        (lambda good, _: BMP.read_bytes()[:30], ""),
        (lambda good, _: BMP.read_bytes()[:1100], ""),
    ],
)
def test_the_unreadable_image_is_named_in_one_line(
    folder, good, image_maker, damage, reason
):
    source = folder(good, good, damage(good, image_maker), good)
    with pytest.raises(errors.UserError) as caught:
        unreadable.check(source)
    found = str(caught.value)
    start, end = f"{source.paths[2]}: ", "; replace or remove it"
    assert found.startswith(f"images must be readable; {start}")
    assert found.endswith(end)
    shown = found[found.index(start) + len(start) : -len(end)]
    assert reason in shown
    assert len(shown) > 3
    assert not any(noise in found for noise in NOISE)


def test_all_are_named_but_not_hundreds(folder, good):
    source = folder(good, b"1", good, b"3", b"4")
    assert unreadable.describe(source).endswith(
        f"image; so are {source.paths[3]}, {source.paths[4]}; replace or "
        "remove them"
    )
    many = unreadable.describe(folder(*[b"bad"] * 9))
    assert many.count(".jpg") == unreadable.MAX_NAMED
    assert ", and more; replace or remove them" in many


def test_a_missing_file_is_named(folder, good):
    source = folder(good, good)
    os.remove(source.paths[1])
    ((index, _),) = unreadable.find(source)
    assert index == 1


def test_readable_sources_pass(folder, good):
    source = folder(good, good)
    unreadable.check(source)
    assert unreadable.describe(source) == ""
    in_memory = sources.cached(source)
    assert not list(unreadable.find(in_memory))


@pytest.mark.parametrize("kind", ["path", "bytes", "stream"])
def test_reading_goes_on_behind_an_unreadable_image(folder, good, kind):
    source = folder(good, b"bad", good, b"bad", good)
    if kind == "bytes":
        source = sources.cached(source)
    if kind == "stream":
        contents = [{"image": each} for each in source.encoded()]
        source = sources.StreamSource(
            name="stream", split="train", num_examples=5, stream=None,
            ordered=lambda: tf.data.Dataset.from_tensor_slices(
                {"image": [each["image"] for each in contents]}
            ),
        )  # fmt: skip
    assert [each.index for each in unreadable.find(source)] == [1, 3]


def test_none_reads_nothing(folder):
    unreadable.check(folder(b"bad"), how="none")


def test_auto_decodes_a_sample_and_what_does_not_look_whole(
    folder, good, few_decoded, image_maker
):
    """Damage between the two ends shows only to who decodes the file."""
    whole = [good] * 3
    png = image_maker.encode(image_maker.random_image(0, 30, 40))
    hidden = png[:60] + b"\0" * (len(png) - 90) + png[-30:]
    unreadable.check(folder(*whole, hidden, good))
    with pytest.raises(errors.UserError, match=r"3\.jpg"):
        unreadable.check(folder(*whole, hidden, good), how="all")
    with pytest.raises(errors.UserError, match=r"4\.jpg"):  # of the sample
        unreadable.check(folder(*whole, good, hidden))
    for content in (b"", b"II*\0", image_maker.claim_size(good, 9999, 9999)):
        with pytest.raises(errors.UserError, match=r"3\.jpg"):
            unreadable.check(folder(*whole, content, good))


@pytest.mark.parametrize(("image_format", "kept"), ENDED)
def test_auto_notices_truncation_in_every_format(
    folder, good, few_decoded, image_maker, image_format, kept
):
    image = image_maker.random_image(0, 30, 40)
    whole = image_maker.encode(image, image_format)
    looks_whole = unreadable._looks_whole
    for content, expected in ((whole, True), (whole[:kept], False)):
        source = folder(good, content)
        assert looks_whole(source.paths[1], max_pixels=10**6) == expected


def test_what_only_looks_damaged_passes(folder, good, few_decoded):
    unreadable.check(folder(good, good, good + b"appended", good))


def test_a_remote_folder_is_sampled(good, few_decoded, image_maker):
    paths = tuple(f"ram://sampled/{number}.jpg" for number in range(5))
    for path, content in zip(paths, [good] * 3 + [b""] + [good], strict=True):
        image_maker.write(path, content)
    source = sources.PathSource(
        name="folder", split="train", num_examples=5, paths=paths
    )
    unreadable.check(source)
    with pytest.raises(errors.UserError, match=r"3\.jpg"):
        unreadable.check(source, how="all")


def test_a_pipeline_error_is_turned_into_the_name(folder, good):
    source, called = folder(good, b"bad"), []
    with (
        pytest.raises(errors.UserError, match=r"1\.jpg: not a JPEG"),
        unreadable.named(source, before=lambda: called.append("before")),
    ):
        list(source.encoded().map(images.decode_image))
    assert called == ["before"]


def test_other_errors_pass_through(folder, good):
    called = []
    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="other cause"),
        unreadable.named(folder(good), before=lambda: called.append("x")),
    ):
        raise tf.errors.InvalidArgumentError(None, None, "other cause")
    assert called == []
