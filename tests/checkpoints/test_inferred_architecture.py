"""The architecture comes out of the shapes, whatever the names."""

import official_files
import official_weights
import pytest

from simclr_tf import errors
from simclr_tf.checkpoints import architecture, loading, opened
from simclr_tf.models import resnet, simclr

KINDS = (opened.OURS, opened.OFFICIAL_TF2, opened.OFFICIAL_TF1)
BASE = {"resnet_depth": 10, "width_multiplier": 0.125, "stem": "cifar"}
# Every kind of block, stem, gate and head. Widths are small, so that ratios
# show: hidden channels of selective kernels are at least 32.
NETWORKS = [
    BASE,
    BASE | {"stem": "imagenet", "width_multiplier": 0.25},
    BASE | {"se_ratio": 0.25, "num_classes": 7},
    BASE | {"se_ratio": 0.4},
    BASE | {"stem": "imagenet", "sk_ratio": 0.0625},
    BASE | {"resnet_depth": 50, "proj_out_dim": 16},
    BASE | {"resnet_depth": 50, "sk_ratio": 0.0625, "num_proj_layers": 2},
    BASE | {"resnet_depth": 50, "sk_ratio": 0.0625, "stem": "imagenet"},
    BASE | {"resnet_depth": 50, "sk_ratio": 0.0625, "se_ratio": 0.0625},
    BASE | {"sk_ratio": 0.0625},
    BASE | {"resnet_depth": 50, "sk_ratio": 0.01, "se_ratio": 0.01},
    BASE | {"proj_head_mode": "none"},
    BASE | {"num_proj_layers": 1},
]


def make_model(flags):
    encoder = resnet.ResNet(
        flags["resnet_depth"],
        width=flags["width_multiplier"],
        stem=flags["stem"],
        sk_ratio=flags.get("sk_ratio", 0.0),
        se_ratio=flags.get("se_ratio", 0.0),
        name="resnet",
    )
    model = simclr.SimCLR(
        encoder,
        proj_head_mode=flags.get("proj_head_mode", "nonlinear"),
        num_proj_layers=flags.get("num_proj_layers", 3),
        proj_out_dim=flags.get("proj_out_dim", 8),
        num_classes=flags.get("num_classes"),
        name="simclr",
    )
    return model.build_on(8)


def found_in(model, kind):
    """What an opened checkpoint of a kind would hold of a model."""
    named = loading.named_variables(model, kind)
    shapes = {name: value.shape.as_list() for name, value in named.items()}
    return opened.Opened("file", kind, "file", {}, shapes, {}, 0, {})


@pytest.mark.parametrize("flags", NETWORKS, ids=str)
def test_every_kind_of_names_tells_the_same(flags):
    model = make_model(flags)
    inferred, layouts = {}, {}
    for kind in KINDS:
        inferred[kind], layouts[kind] = architecture.infer(
            found_in(model, kind)
        )
    expected = {
        "sk_ratio": 0.0,
        "se_ratio": 0.0,
        "proj_head_mode": "nonlinear",
        "num_proj_layers": 3,
        "proj_out_dim": 8,
    } | {k: v for k, v in flags.items() if k != "num_classes"}
    if expected["proj_head_mode"] == "none":
        del expected["num_proj_layers"], expected["proj_out_dim"]
    is_hidden = flags["resnet_depth"] == 10 and flags["stem"] == "cifar"
    for kind in KINDS:
        untold = set()
        if is_hidden and kind != opened.OFFICIAL_TF2:
            untold = {"sk_ratio"}  # basic blocks without the large stem
        assert inferred[kind].keys() == expected.keys() - untold
        for name, value in expected.items():
            if name in untold:
                continue
            found = inferred[kind][name]
            assert architecture.agrees(layouts[kind], name, value, found)
            if not name.endswith("_ratio") or value in (0, 0.0625, 0.25):
                assert found == value, (kind, name)
        assert layouts[kind].num_classes == flags.get("num_classes")


@pytest.mark.parametrize("name", official_weights.LAYOUT)
def test_the_recorded_layouts(name):
    layout = official_weights.LAYOUT[name]
    shapes = layout["variables"]
    config = layout["config"]
    sources = [(opened.OFFICIAL_TF2, shapes)]
    if name in official_files.TF1_LAYOUT:
        recorded = official_files.TF1_LAYOUT[name]
        sources.append((opened.OFFICIAL_TF1, recorded))
    for kind, table in sources:
        inferred, _ = architecture.infer(
            opened.Opened("file", kind, "file", {}, table, {}, 0, {})
        )
        expected = {
            "resnet_depth": config["resnet_depth"],
            "width_multiplier": 1.0,
            "sk_ratio": config.get("sk_ratio", 0.0),
            "se_ratio": config.get("se_ratio", 0.0),
            "stem": "cifar" if config["image_size"] <= 32 else "imagenet",
            "proj_head_mode": "nonlinear",
            "num_proj_layers": config.get("num_proj_layers", 3),
            "proj_out_dim": 128,
        }
        if name == "r18_cifar" and kind == opened.OFFICIAL_TF1:
            del expected["sk_ratio"]  # basic blocks without the large stem
        assert inferred == expected


def layout(**values):
    base = {
        "stem_kernels": ((3, 3, 3, 64),),
        "num_blocks": 8,
        "is_bottleneck": False,
        "selective": (),
        "gates": (),
        "is_resnet_d": False,
        "head_kernels": ((512, 128),),
        "has_linear_head": False,
        "num_classes": None,
    }
    return architecture.Layout(**(base | values))


@pytest.mark.parametrize(
    ("name", "value", "inferred", "found"),
    [
        ("sk_ratio", 0.01, 0.0625, layout(selective=((64, 32), (512, 32)))),
        ("se_ratio", 0.251, 0.25, layout(gates=((64, 16), (128, 32)))),
        ("sk_ratio", 0.5, 0.0625, layout(is_resnet_d=True)),
        ("proj_head_mode", "linear", "nonlinear", layout()),
        ("stem", "auto", "cifar", layout()),
        ("width_multiplier", 0.3, 0.296875, layout()),
    ],
)
def test_other_words_for_the_same_network(name, value, inferred, found):
    assert architecture.agrees(found, name, value, inferred)


@pytest.mark.parametrize(
    ("name", "value", "inferred", "found"),
    [
        ("sk_ratio", 0.25, 0.0625, layout(selective=((64, 32), (512, 32)))),
        ("sk_ratio", 0.0, 0.0625, layout(is_resnet_d=True)),
        ("se_ratio", 0.0, 0.25, layout(gates=((64, 16),))),
        ("proj_head_mode", "none", "nonlinear", layout()),
        (
            "proj_head_mode",
            "linear",
            "nonlinear",
            layout(head_kernels=((512, 512), (512, 128))),
        ),
        ("stem", "imagenet", "cifar", layout()),
        ("resnet_depth", 50, 18, layout()),
    ],
)
def test_another_network(name, value, inferred, found):
    assert not architecture.agrees(found, name, value, inferred)


def test_an_unknown_number_of_blocks_is_refused():
    shapes = dict(official_weights.LAYOUT["r18_cifar"]["variables"])
    gone = "model/resnet_model/block_groups/3/layers/1/"
    shapes = {k: s for k, s in shapes.items() if not k.startswith(gone)}
    kind = opened.OFFICIAL_TF2
    with pytest.raises(errors.UserError, match="'x' has 7 basic blocks"):
        architecture.infer(opened.Opened("x", kind, "x", {}, shapes, {}, 0, {}))


def test_a_fragment_of_a_tf1_network_is_refused_in_one_line():
    shapes = {
        "base_model/conv2d/kernel": [7, 7, 3, 64],
        "base_model/conv2d_1/kernel": [1, 1, 64, 256],
        "base_model/conv2d_2/kernel": [1, 1, 64, 64],
    }
    kind = opened.OFFICIAL_TF1
    with pytest.raises(errors.UserError, match="has 0 bottleneck blocks"):
        architecture.infer(opened.Opened("x", kind, "x", {}, shapes, {}, 0, {}))
