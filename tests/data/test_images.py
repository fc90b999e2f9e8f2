"""Safe decoding."""

import io
import pathlib
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from simclr_tf.data import images

HEIGHT, WIDTH = 6, 9
LOSSLESS = ("PNG", "BMP")
NEEDS_WEBP = pytest.mark.skipif(
    not hasattr(tf.io, "decode_webp"), reason="this TensorFlow has no WebP"
)
FORMATS = [
    ("JPEG", "RGB", {}),
    ("JPEG", "L", {}),
    ("JPEG", "CMYK", {}),
    ("JPEG", "RGB", {"progressive": True}),
    ("PNG", "RGB", {}),
    ("PNG", "RGBA", {}),
    ("PNG", "LA", {}),
    ("PNG", "P", {}),
    ("PNG", "1", {}),
    ("GIF", "RGB", {}),
    ("BMP", "RGB", {}),
    ("BMP", "RGBA", {}),
    ("BMP", "L", {}),
    pytest.param("WEBP", "RGB", {}, marks=NEEDS_WEBP),
    pytest.param("WEBP", "RGBA", {}, marks=NEEDS_WEBP),
    pytest.param("WEBP", "RGB", {"lossless": True}, marks=NEEDS_WEBP),
    pytest.param("WEBP", "RGBA", {"lossless": True}, marks=NEEDS_WEBP),
]
EXACT = [
    *(("PNG", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")),
    ("PNG", "P", {"transparency": 3}),
    *(("GIF", mode, {}) for mode in ("L", "P")),
    ("GIF", "P", {"transparency": 5}),
    *(("BMP", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")),
    *(("WEBP", mode, {"lossless": True}) for mode in ("RGB", "RGBA")),
]
WEBP = "decode_webp"
GOLDENS = pathlib.Path(__file__).parent.parent / "goldens"
BMPS = sorted((GOLDENS / "bmp").glob("*.bmp"))


def in_dataset(function, encoded):
    dataset = tf.data.Dataset.from_tensors(encoded).map(function)
    return next(iter(dataset)).numpy()


def png_header(height, width):
    """A valid PNG whose pixel data are missing."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(b"IHDR" + size))
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR" + size + check


@pytest.mark.parametrize(("image_format", "mode", "options"), FORMATS)
def test_every_format_becomes_rgb(image_maker, image_format, mode, options):
    array = image_maker.random_image(0, HEIGHT, WIDTH, 4)
    encoded = image_maker.encode(array, image_format, mode, **options)
    decoded = in_dataset(images.decode_image, encoded)
    assert decoded.shape == (HEIGHT, WIDTH, 3)
    assert decoded.dtype == np.uint8
    assert images.num_pixels(encoded) == HEIGHT * WIDTH
    found = in_dataset(images.decoded_size, encoded)
    np.testing.assert_array_equal(found, [HEIGHT, WIDTH])
    checked = in_dataset(images.decode_checked, encoded)
    np.testing.assert_array_equal(checked, decoded)
    if image_format in LOSSLESS and mode == "RGB":
        np.testing.assert_array_equal(decoded, array[..., :3])
    if mode in ("L", "LA"):
        np.testing.assert_array_equal(decoded[..., 0], decoded[..., 2])


@pytest.mark.parametrize("path", BMPS, ids=lambda path: path.stem)
def test_every_kind_of_bmp_has_its_own_pixels(path):
    encoded = path.read_bytes()
    expected = np.load(path.parent / "expected_rgb.npz")[path.name]
    decoded = in_dataset(images.decode_image, encoded)
    atol = 1 if path.stem == "rgb555" else 0  # 5 bits become 8
    np.testing.assert_allclose(decoded, expected, rtol=0, atol=atol)
    found = in_dataset(images.decoded_size, encoded)
    np.testing.assert_array_equal(found, expected.shape[:2])


@pytest.mark.parametrize(
    ("image_format", "mode", "options"),
    [each for each in EXACT if each[0] != "WEBP" or hasattr(tf.io, WEBP)],
)
def test_pixels_are_those_of_pillow(image_maker, image_format, mode, options):
    """In every format that keeps them."""
    array = image_maker.random_image(0, HEIGHT, WIDTH, 4)
    encoded = image_maker.encode(array, image_format, mode, **options)
    with Image.open(io.BytesIO(encoded)) as image:
        expected = np.asarray(image.convert("RGB"))
    decoded = in_dataset(images.decode_image, encoded)
    np.testing.assert_array_equal(decoded, expected)


@pytest.fixture
def animation(image_maker):
    """Bytes of two frames, black and white, in a given format."""
    black, white = (
        np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in (0, 255)
    )

    def encode(image_format):
        return image_maker.encode(
            black,
            image_format,
            save_all=True,
            append_images=[Image.fromarray(white)],
        )

    return encode


def test_an_animated_gif_gives_its_first_frame(animation):
    encoded = animation("GIF")
    assert images.num_pixels(encoded) == HEIGHT * WIDTH
    decoded = in_dataset(images.decode_image, encoded)
    assert decoded.shape == (HEIGHT, WIDTH, 3)
    assert decoded.max() == 0


def test_the_size_of_a_gif_is_what_its_first_frame_takes(animation):
    encoded = bytearray(animation("GIF"))
    encoded[6:10] = struct.pack("<HH", WIDTH - 5, HEIGHT - 4)  # the screen
    decoded = in_dataset(images.decode_image, bytes(encoded))
    found = in_dataset(images.decoded_size, bytes(encoded))
    np.testing.assert_array_equal(found, decoded.shape[:2])


@pytest.mark.parametrize("content", [b"no image", png_header(30_000, 20_000)])
def test_sizes_that_decoding_would_refuse_are_refused(content):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"not a JPEG|more pixels"
    ):
        in_dataset(images.decoded_size, content)


def test_an_animated_webp_is_refused_before_decoding(animation):
    encoded = animation("WEBP")
    assert images.num_pixels(encoded) == -1
    with pytest.raises(tf.errors.InvalidArgumentError, match="still WebP"):
        in_dataset(images.decode_image, encoded)


def test_sizes_come_from_large_headers(image_maker):
    assert images.num_pixels(png_header(30_000, 20_000)) == 600_000_000
    small = image_maker.encode(image_maker.random_image(0), "JPEG")
    assert (
        images.num_pixels(image_maker.claim_size(small, 65_000, 65_000))
        == 65_000**2
    )
    upside_down = bytearray(
        image_maker.encode(np.zeros((3, 4, 3), "u1"), "BMP")
    )
    upside_down[22:26] = struct.pack("<i", -3)
    assert images.num_pixels(bytes(upside_down)) == 12


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"hello", b"II*\0" + b"a" * 40]
)
def test_other_content_has_no_size(content):
    assert images.num_pixels(content) == -1


def test_too_many_pixels_are_refused_before_decoding(image_maker):
    bomb = image_maker.claim_size(
        image_maker.encode(image_maker.random_image(0), "JPEG"), 13_000, 13_000
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="169000000"):
        in_dataset(images.decode_image, bomb)
    fine = image_maker.encode(image_maker.random_image(0, 10, 10))
    decode = images.decode_image
    in_dataset(lambda image: decode(image, max_pixels=100), fine)
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_image_pix"):
        in_dataset(lambda image: decode(image, max_pixels=99), fine)
