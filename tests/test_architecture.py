"""The house rules a program can see: layers, budgets, documentation."""

import ast
import graphlib
import pathlib
import re
import statistics

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "simclr_tf"
FILES = sorted(PACKAGE.rglob("*.py"))
LAYERS = {
    "errors": -1,
    "files": 0,
    "backend": -1,
    "cores": -1,
    "quiet_import": -1,
    "streams": -1,
    "typed_text": -1,
    "keras_classes": -1,
    "config": 0,
    "matmul": 0,
    "cpu": 0,
    "distribution": 1,
    "augment": 1,
    "optim": 1,
    "models": 2,
    "losses": 2,
    "data": 2,
    "checkpoints": 3,
    "training": 4,
    "planning": 4,
    "evaluation": 5,
    "exports": 5,
    "viz": 5,
    "keras_api": 6,
    "setup": 7,
    "scoring": 8,
    "methods": 9,
    "commands": 10,
    "benchmarks": 11,
    "cli": 12,
    "help_text": 12,
    "flag_table": 12,
    "__main__": 13,
}
CONFIG_READERS = {"config", "cli", "help_text", "flag_table", "setup",
                  "scoring", "methods", "commands", "benchmarks"}  # fmt: skip
SAME_LAYER = {
    ("evaluation", "viz"),
    ("help_text", "cli"),
}
"""(imported, importer) pairs that may meet within one layer."""
STATEFUL = ("tf.random.uniform", "tf.random.normal", "tf.random.shuffle",
            "tf.image.random_")  # fmt: skip
PRODUCTS = ("tf.matmul", "tf.linalg.mat", "tf.linalg.einsum", "tf.einsum",
            "tf.tensordot", "tf.linalg.tensordot", "tf.nn.conv",
            "tf.nn.depthwise")  # fmt: skip
DRAWERS = {"utils.py", "helpers.py", "common.py", "misc.py"}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_MEDIAN_FUNCTION_LINES = 12
MAX_POSITIONAL = 6
MAX_NESTING = 3
MIN_TEST_RATIO = 0.7


def unit_of(path):
    """The layer-graph unit a file belongs to: its package, or its stem."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def parse(path):
    return ast.parse(path.read_text())


def functions():
    for path in FILES:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def body_lines(node):
    """Lines of a function, its docstring left out."""
    doc = ast.get_docstring(node, clean=False)
    skipped = 0 if doc is None else doc.count("\n") + 1
    return node.end_lineno - node.lineno + 1 - skipped


def imported_units(path):
    """(unit, line) of every import of the package, wherever it stands."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom) and node.module == "simclr_tf":
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and (
            node.module or ""
        ).startswith("simclr_tf."):
            yield node.module.split(".")[1], node.lineno


def test_every_unit_has_a_layer():
    units = {unit_of(path) for path in FILES} - {"__init__"}
    assert units <= set(LAYERS), units - set(LAYERS)


def test_imports_point_strictly_down():
    wrong = []
    for path in FILES:
        unit = unit_of(path)
        for imported, line in imported_units(path):
            if unit == "__init__" or imported == unit:
                continue
            down = LAYERS[imported] < LAYERS[unit]
            if not down and (imported, unit) not in SAME_LAYER:
                wrong.append(f"{path.name}:{line} {unit} -> {imported}")
    assert not wrong, wrong


def parts_of(unit):
    """dict of every file or folder of a package -> those it imports."""
    found = {}
    for path in (PACKAGE / unit).rglob("*.py"):
        part = path.relative_to(PACKAGE / unit).parts[0].removesuffix(".py")
        found.setdefault(part, set())
        for node in ast.walk(parse(path)):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            inside = [n for n in names if n.startswith(f"simclr_tf.{unit}.")]
            found[part] |= {n.split(".")[2] for n in inside} - {part}
    return found


@pytest.mark.parametrize(
    "unit", sorted({unit_of(path) for path in FILES if path.parent != PACKAGE})
)
def test_parts_of_a_unit_import_in_no_circle(unit):
    graphlib.TopologicalSorter(parts_of(unit)).prepare()


def test_only_wiring_reads_the_config():
    readers = {
        unit_of(path)
        for path in FILES
        for imported, _ in imported_units(path)
        if imported == "config"
    }
    assert readers - {"__init__"} <= CONFIG_READERS


def test_absl_flags_live_in_cli_alone():
    for path in FILES:
        text = path.read_text()
        if unit_of(path) not in {"cli", "help_text"}:
            assert "absl import flags" not in text, path
            assert "absl.flags" not in text, path


def test_no_stateful_random_op():
    for path in FILES:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Attribute):
                assert not ast.unparse(node).startswith(STATEFUL), path


def test_no_product_outside_the_network_may_be_rounded():
    """Accelerators round factors of float32 products; `matmul` does not.

    The evaluation's products are NumPy's, in float32 on the host.
    """
    for path in FILES:
        if unit_of(path) in {"matmul", "models", "benchmarks"}:
            continue
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Attribute):
                assert not ast.unparse(node).startswith(PRODUCTS), path
            is_operator = isinstance(node, ast.BinOp | ast.AugAssign)
            if is_operator and unit_of(path) != "evaluation":
                assert not isinstance(node.op, ast.MatMult), path


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_file_budget(path):
    lines = path.read_text().splitlines()
    assert path.name not in DRAWERS
    assert len(lines) <= MAX_FILE_LINES
    assert all(len(line) <= 80 for line in lines)


def test_function_budgets():
    sizes = [(body_lines(node), path, node) for path, node in functions()]
    for lines, path, node in sizes:
        assert lines <= MAX_FUNCTION_LINES, (path, node.name, lines)
    median = statistics.median(lines for lines, *_ in sizes)
    assert median <= MAX_MEDIAN_FUNCTION_LINES


def test_argument_budget():
    for path, node in functions():
        names = [a.arg for a in node.args.args if a.arg not in ("self", "cls")]
        assert len(names) <= MAX_POSITIONAL, (path, node.name)


def depth(node):
    """Deepest nesting of blocks below a node."""
    blocks = (ast.If, ast.For, ast.While, ast.With, ast.Try)
    below = [
        depth(child) + (isinstance(child, blocks) and not is_elif(node, child))
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.FunctionDef | ast.Lambda)
    ]
    return max(below, default=0)


def is_elif(parent, child):
    return isinstance(parent, ast.If) and parent.orelse == [child]


def test_nesting_budget():
    for path, node in functions():
        assert depth(node) <= MAX_NESTING, (path, node.name)


def test_everything_public_is_documented():
    for path in FILES:
        tree = parse(path)
        assert ast.get_docstring(tree), path
        for node in tree.body:
            kinds = ast.FunctionDef | ast.ClassDef
            if isinstance(node, kinds) and not node.name.startswith("_"):
                assert ast.get_docstring(node), (path, node.name)


def test_tests_keep_up_with_the_source():
    def count(files):
        return sum(len(path.read_text().splitlines()) for path in files)

    tests = count((ROOT / "tests").rglob("*.py"))
    assert tests >= MIN_TEST_RATIO * count(FILES)


def test_run_py_is_short():
    assert len((ROOT / "run.py").read_text().splitlines()) <= 25


def test_the_guide_to_the_house_names_what_is_there():
    """Folders of the graph, files of the table and of the walks."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    graph = text.split("```")[3]
    units = {
        word.strip("/,")
        for line in graph.splitlines()
        for word in line.strip().split("   ")[0].split()
    } - {"run.py"}
    assert units <= set(LAYERS), units
    beside = {"backend", "cores", "cpu", "matmul", "quiet_import"}
    beside |= {"keras_classes", "streams", "typed_text"}
    told = set(LAYERS) - units - beside - {"benchmarks", "__main__"}
    assert not told, told
    files = re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", text)
    files = [name for name in files if not name.startswith("tests/")]
    assert len(files) > 20
    assert not [name for name in files if not (PACKAGE / name).exists()]
