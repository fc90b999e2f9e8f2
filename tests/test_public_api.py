"""The public names: listed, annotated, and shown by examples that run."""

import ast
import inspect
import pathlib
import re
import subprocess
import sys

import pytest

import simclr_tf
from simclr_tf.config import Config

ROOT = pathlib.Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NAMES = [name for name in simclr_tf.__all__ if name != "__version__"]
MAX_EXAMPLE_LINES = 15
SMALLER = {
    '"digits", "train"': '"digits", "train[:128]"',
    '"digits", "test"': '"digits", "test[:64]"',
    "epochs=30": "epochs=3",
}
"""What a test changes in the examples."""


def test_the_page_lists_every_name_once():
    assert sorted(re.findall(r"^### `(\w+)`$", PAGE, re.M)) == sorted(NAMES)


def test_every_name_is_in_an_example():
    code = "\n".join(EXAMPLES)
    left = {n for n in NAMES if f"simclr_tf.{n}" not in code}
    assert left == {"UserError", "distill", "finetune"}


def test_examples_are_short():
    for example in EXAMPLES:
        lines = [line for line in example.splitlines() if line.strip()]
        assert len(lines) <= MAX_EXAMPLE_LINES, example


def test_the_readme_begins_with_the_first_example():
    assert EXAMPLES[0] in (ROOT / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_the_examples_run(tmp_path, monkeypatch):
    """One after the other; on few images, of a training three epochs."""
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for example in EXAMPLES:
        for whole, part in SMALLER.items():
            example = example.replace(whole, part)
        exec(compile(example, "docs/api.md", "exec"), namespace)
    assert namespace["result"].step == 2
    assert len(namespace["history"].history["knn_accuracy"]) == 3


def annotated(name):
    """The function, or the constructor of a class."""
    value = getattr(simclr_tf, name)
    if inspect.isclass(value) and value is not Config:
        return value.__init__
    return value


@pytest.mark.parametrize("name", [n for n in NAMES if n != "UserError"])
def test_public_names_are_annotated(name):
    signature = inspect.signature(annotated(name))
    for parameter in signature.parameters.values():
        if parameter.name != "self":
            assert parameter.annotation is not parameter.empty, parameter
    if name != "Config":
        assert signature.return_annotation is not signature.empty


def test_the_configuration_shows_its_fields():
    parameters = inspect.signature(Config).parameters
    config = Config(model_dir="d")
    fields = [f for _, group in Config.group_fields() for f in group]
    assert list(parameters) == [field.name for field in fields]
    for name, parameter in parameters.items():
        assert parameter.kind is parameter.KEYWORD_ONLY
        if name not in config.explicit:
            assert parameter.default == getattr(config, name), name


def test_type_checkers_see_what_is_imported_later():
    tree = ast.parse((ROOT / "simclr_tf" / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname: (node.module.removeprefix("simclr_tf."), alias.name)
        for node in block.body
        for alias in node.names
    }
    assert seen == simclr_tf._EXPORTS


CLIENT = """
import simclr_tf

config = simclr_tf.Config(dataset="digits", model_dir="d", image_size=16)
result = simclr_tf.pretrain(config)
step: int = result.step
encoder = simclr_tf.ResNet(10, stem="cifar")
model = simclr_tf.SimCLR(encoder, num_classes=3)
model.compile(simclr_tf.LARS(0.1, weight_decay=1e-4), temperature=0.5)
path: str = simclr_tf.export(model, "exported", image_size=8)
"""
MISTAKES = {
    "simclr_tf.Config(temperature_of=0.1)": "call-arg",
    "simclr_tf.Config(image_size='x')": "arg-type",
    "simclr_tf.pretrain(3)": "arg-type",
}


@pytest.mark.slow
def test_a_type_checker_accepts_the_package(tmp_path, monkeypatch):
    pytest.importorskip("mypy")
    assert (ROOT / "simclr_tf" / "py.typed").exists()
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent",
               "--ignore-missing-imports", "client.py"]  # fmt: skip
    for mistake, error in {"": None, **MISTAKES}.items():
        (tmp_path / "client.py").write_text(CLIENT + mistake)
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True
        )
        assert (done.returncode == 0) == (error is None), done.stdout
        assert error is None or f"[{error}]" in done.stdout
