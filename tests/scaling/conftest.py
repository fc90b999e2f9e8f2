"""The scripts of the study lie beside its page, outside of the package."""

import pathlib
import sys

STUDY = pathlib.Path(__file__).parent.parent.parent / "docs/scaling"
sys.path.insert(0, str(STUDY))
