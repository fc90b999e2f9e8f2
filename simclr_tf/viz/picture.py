"""How every picture is written: a footer below it, as a whole PNG file."""

import io
import warnings

from simclr_tf import files


def save(path, drawing, *, footer, dpi):
    """Writes a figure as a PNG.

    Matplotlib's own font lacks some scripts; their letters become boxes, of
    which it would warn once each.

    Args:
        path: where to write, any path `tf.io.gfile` knows.
        drawing: a `matplotlib.figure.Figure`.
        footer: small text below it; "$" is a letter there.
        dpi: dots per inch.
    """
    drawing.supxlabel(footer, fontsize=7, parse_math=False)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        drawing.savefig(buffer, format="png", dpi=dpi)
    files.write_bytes(path, buffer.getvalue())
