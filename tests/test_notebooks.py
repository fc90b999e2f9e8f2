"""The notebooks: clean as they lie, and run from the first cell to the last."""

import ast
import json
import pathlib
import re
import sys

import official_files
import pytest

import simclr_tf
from simclr_tf.checkpoints import official
from simclr_tf.setup import networks

ROOT = pathlib.Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "colab").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
IMPORTED = {
    "absl", "keras", "matplotlib", "numpy", "os", "simclr_tf", "subprocess",
    "sys", "tempfile", "tensorflow",
}  # fmt: skip
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/}])/[a-z]+/\w|\b[A-Z]:\\|file://|~/")
MAX_FUNCTION_LINES = 25
TIMEOUT_SECS = 300
"""Of one cell: some tens of seconds, while others use the machine, too."""
NOWHERE = "http://127.0.0.1:9"
"""A proxy that answers nobody: what asks the network fails."""


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def cells(path, kind):
    """The sources of the cells of a kind, each one text."""
    found = [c for c in read(path)["cells"] if c["cell_type"] == kind]
    return ["".join(cell["source"]) for cell in found]


def test_both_are_there():
    assert NAMES == ["finetuning", "load_and_inference"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_nothing_is_left_of_a_run(path):
    notebook = read(path)
    assert notebook["nbformat"] == 4
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    for source in cells(path, "markdown") + cells(path, "code"):
        assert not ABSOLUTE_PATH.search(source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_the_package_is_imported_and_not_copied(path):
    tree = ast.parse("\n".join(cells(path, "code")))
    modules = set()
    for node in ast.walk(tree):
        assert not isinstance(node, ast.ClassDef)
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= MAX_FUNCTION_LINES, node.name
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert not node.module.startswith("simclr_tf")  # public names
            modules.add(node.module.split(".")[0])
    assert "simclr_tf" in modules
    assert modules <= IMPORTED


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_every_code_cell_but_the_plain_ones_is_explained(path):
    text = cells(path, "markdown")
    assert text[0].startswith("# ")
    assert sum(map(len, text)) > 1000
    assert len(text) >= len(cells(path, "code")) - 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_pip_is_for_colab_alone(path):
    install, *others = cells(path, "code")
    assert '"google.colab" in sys.modules' in install
    assert not any("pip" in other for other in others)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ('"/home/me/x"', True),
        ("open(/tmp/x", True),
        ("C:\\\\x", True),
        ('f"{WORK}/export"', False),
        ("runs/a/b", False),
        ("https://a.org/b/c", False),
    ],
)
def test_absolute_paths_are_known_from_others(text, is_one):
    assert bool(ABSOLUTE_PATH.search(text)) == is_one


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Runs a notebook in a fresh kernel, small and without a network.

    Returns:
        Function of a path and of text to replace in its code, which returns
        (all that was printed, number of pictures).
    """
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("SIMCLR_TF_SMALL", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)

    def run(path, **replaced):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        for name, value in replaced.items():
            assign(notebook, name, value)
        client = nbclient.NotebookClient(
            notebook,
            timeout=TIMEOUT_SECS,
            kernel_name="python3",
            resources={"metadata": {"path": str(tmp_path)}},
        )
        client.create_kernel_manager()
        spec = client.km.kernel_spec
        spec.argv[0] = sys.executable  # not another environment's Python
        client.execute()
        return results(notebook)

    return run


def assign(notebook, name, value):
    """Changes what one variable is set to, where it is set at the margin."""
    pattern = re.compile(rf"^{name} = .*$", re.MULTILINE)
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source, found = pattern.subn(
                f"{name} = {value!r}", cell.source
            )
            count += found
    assert count == 1, f"{name} is set {count} times"


def results(notebook):
    """(everything printed, number of pictures) of an executed notebook."""
    text, pictures = [], 0
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            text.append(output.get("text", ""))
            pictures += "image/png" in output.get("data", {})
    return "".join(text), pictures


@pytest.mark.slow
def test_fine_tuning_runs(execute):
    text, pictures = execute(ROOT / "colab" / "finetuning.ipynb")
    assert "step 2/2" in text
    for method in ("from scratch", "classifier only", "fine-tuned"):
        assert re.search(rf"seed 0  {method} +\d+\.\d%", text)
    assert pictures == 3


@pytest.mark.slow
def test_loading_and_inference_run(execute):
    text, pictures = execute(ROOT / "colab" / "load_and_inference.ipynb")
    assert "parameters in the encoder" in text
    assert "a classifier of 10 classes on top" in text
    assert re.search(r"logits_sup +\(360, 10\)", text)
    assert pictures == 2


@pytest.fixture(scope="module")
def official_saved_model(tmp_path_factory):
    """A small network under the names of the official SavedModels."""
    config = simclr_tf.Config(
        model_dir="d", resnet_depth=18, width_multiplier=1 / 8, image_size=32
    )
    model = networks.make_eval_model(config, num_classes=1000)
    table = {k: v.value for k, v in official.tf2_variables(model).items()}
    directory = str(tmp_path_factory.mktemp("official") / "saved_model")
    return official_files.write_saved_model(table, directory)


@pytest.mark.slow
def test_an_official_network_is_fine_tuned_by_one_path(
    execute, official_saved_model
):
    text, pictures = execute(
        ROOT / "colab" / "finetuning.ipynb", PATH=official_saved_model
    )
    assert "NT-Xent" not in text
    assert re.search(r"seed 0  fine-tuned +\d+\.\d%", text)
    assert pictures == 3


@pytest.mark.slow
def test_an_official_network_is_looked_into(execute, official_saved_model):
    text, pictures = execute(
        ROOT / "colab" / "load_and_inference.ipynb",
        PATH=official_saved_model,
        IMAGE_SIZE=32,
    )
    assert "a classifier of 1000 classes on top" in text
    assert "no classifier of these classes" in text
    assert pictures == 1
