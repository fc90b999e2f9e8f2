"""The architecture of a network, told by the shapes of its variables.

Dimension letters: `C` channels, `F` filters of a block, `K` classes.
"""

import itertools
import math
import re
import typing

from simclr_tf import errors
from simclr_tf.checkpoints import opened, tf1
from simclr_tf.models import blocks, resnet

BASE_WIDTH = 64  # filters of the first block at width 1
STAGES = 4
PREFERRED_RATIOS = (0.0625, 0.25)  # of selective kernels, of gates: official
LEAST_SELECTIVE = 32  # hidden channels; see models.layers.SelectiveKernel
LEAST_GATE = 1


class Layout(typing.NamedTuple):
    """What the variables show, before it is put into the flags' words.

    Attributes:
        stem_kernels: shapes in order.
        num_blocks: of all groups.
        is_bottleneck: the kind of block.
        selective: (F, hidden channels) of each selective kernel.
        gates: (F, hidden channels) of each squeeze-and-excite.
        is_resnet_d: whether shortcuts average first; None where the names do
            not show it.
        head_kernels: shapes of the projection head's layers in order.
        has_linear_head: whether the head is known to be the linear one.
        num_classes: K, or None without a supervised head.
    """

    stem_kernels: tuple
    num_blocks: int
    is_bottleneck: bool
    selective: tuple
    gates: tuple
    is_resnet_d: bool | None
    head_kernels: tuple
    has_linear_head: bool
    num_classes: int | None


class _Names(typing.NamedTuple):
    """Patterns of the names that tell; the groups are positions."""

    stem: str
    block: str
    bottleneck: str
    selective: str
    gate: str
    averaging: str | None
    head: str
    classes: str


_OFFICIAL = _Names(
    stem=r".*/initial_conv_relu_max_pool/(\d+)/conv2d/kernel",
    block=r".*/block_groups/(\d+)/layers/(\d+)/.*",
    bottleneck=r".*/conv_relu_dropblock_layers/.*",
    selective=r".*/conv2d_0/kernel",
    gate=r".*/se_reduce/kernel",
    averaging=r".*/(?:shortcut|projection)_layers/([12])/conv2d/kernel",
    head=r".*/_projection_head/linear_layers/(\d+)/dense/kernel",
    classes=r".*/supervised_head/linear_layer/dense/kernel",
)
_OURS = _Names(
    stem=r".*/stem/conv(\d+)/kernel",
    block=r".*/block_group(\d+)/block(\d+)/.*",
    bottleneck=r".*/block\d+/conv3/kernel",
    selective=r".*/selective/squeeze/kernel",
    gate=r".*/se/reduce/kernel",
    averaging=None,
    head=r".*/projection_head/layer(\d+)/dense/kernel",
    classes=r".*/supervised_head/dense/kernel",
)


def infer(found):
    """The flags of a network, from an opened checkpoint.

    Args:
        found: an `opened.Opened`.

    Returns:
        (dict of flag name -> value, `Layout`). Flags that the shapes do not
        tell are left out.

    Raises:
        errors.UserError: if there is no such ResNet.
    """
    layout = read_layout(found)
    values = {
        "resnet_depth": _depth(layout, found.path),
        "width_multiplier": layout.stem_kernels[-1][3] / BASE_WIDTH,
        "se_ratio": _ratio(layout.gates, LEAST_GATE),
        "stem": _stem(layout),
        "proj_head_mode": _head_mode(layout),
    }
    if _shows_sk_ratio(layout):
        values["sk_ratio"] = _sk_ratio(layout)
    if layout.head_kernels:
        values["num_proj_layers"] = len(layout.head_kernels)
        values["proj_out_dim"] = layout.head_kernels[-1][1]
    return values, layout


def agrees(layout, name, value, inferred):
    """Whether a flag's value makes the same network as the inferred one.

    Several ratios give the same widths, and a linear head is a nonlinear one
    of a single layer.

    Args:
        layout: from `infer`.
        name: of the flag.
        value: what the user gave.
        inferred: what `infer` found.
    """
    if name == "sk_ratio" and layout.selective:
        return _gives(value, layout.selective, LEAST_SELECTIVE)
    if name == "se_ratio" and layout.gates:
        return _gives(value, layout.gates, LEAST_GATE)
    if name == "sk_ratio" and inferred:
        return value > 0
    if name == "proj_head_mode":
        num_layers = len(layout.head_kernels)
        fits = {"none": 0, "linear": 1}.get(value, max(num_layers, 1))
        return num_layers == fits
    if name == "width_multiplier":
        return int(BASE_WIDTH * value) == int(BASE_WIDTH * inferred)
    return value == inferred or (name == "stem" and value == "auto")


def read_layout(found):
    """The `Layout` of an opened checkpoint of any kind."""
    if found.kind == opened.OFFICIAL_TF1:
        return _tf1_layout(found.shapes)
    is_ours = found.kind in (opened.OURS, opened.OUR_SAVED_MODEL)
    return _named_layout(found.shapes, _OURS if is_ours else _OFFICIAL)


def _named_layout(shapes, names):
    def matching(pattern):
        hits = [(re.fullmatch(pattern, name), name) for name in shapes]
        hits = [(hit, name) for hit, name in hits if hit]
        return sorted((tuple(map(int, h.groups())), n) for h, n in hits)

    def kernels(pattern):
        return tuple(tuple(shapes[name]) for _, name in matching(pattern))

    is_bottleneck = bool(matching(names.bottleneck))
    classes = kernels(names.classes)
    return Layout(
        stem_kernels=kernels(names.stem),
        num_blocks=len({position for position, _ in matching(names.block)}),
        is_bottleneck=is_bottleneck,
        selective=tuple(shape[2:] for shape in kernels(names.selective)),
        gates=_gates(kernels(names.gate), is_bottleneck),
        is_resnet_d=names.averaging and bool(matching(names.averaging)),
        head_kernels=kernels(names.head),
        has_linear_head=False,
        num_classes=classes[0][1] if classes else None,
    )


def _tf1_layout(shapes):
    """Reads the kernels in the order in which they were made."""
    encoder, gated = _tf1_kernels(shapes, tf1.ENCODER + r"conv2d(?:_(\d+))?")
    nonlinear, _ = _tf1_kernels(shapes, tf1.PROJECTION_HEAD + r"nl_(\d+)/dense")
    linear, _ = _tf1_kernels(shapes, tf1.PROJECTION_HEAD + r"l_(\d+)/dense")
    classes = shapes.get(tf1.SUPERVISED_HEAD + "linear_layer/dense/kernel")
    num_stem = 3 if len(encoder) > 1 and encoder[1][0] == 3 else 1
    body = encoder[num_stem + 1 :]  # after the first shortcut
    is_bottleneck = bool(body) and body[0][0] == 1
    selective = ()
    if is_bottleneck and len(body) > 1 and body[1][3] == 2 * body[1][2]:
        # The squeezing kernel follows the two streams.
        pairs = itertools.pairwise(body)
        selective = tuple(after[2:] for k, after in pairs if k[0] == 3)
    per_block = 5 if selective else 2 + is_bottleneck
    return Layout(
        stem_kernels=encoder[:num_stem],
        num_blocks=max(0, (len(encoder) - num_stem - STAGES) // per_block),
        is_bottleneck=is_bottleneck,
        selective=selective,
        gates=_gates(gated[::2], is_bottleneck),
        is_resnet_d=None,
        head_kernels=nonlinear or linear,
        has_linear_head=bool(linear),
        num_classes=classes[1] if classes else None,
    )


def _tf1_kernels(shapes, pattern):
    """Shapes of kernels by number: those without a bias, those with one."""
    numbered = []
    for name in shapes:
        hit = re.fullmatch(f"({pattern})/kernel", name)
        if hit:
            has_bias = f"{hit[1]}/bias" in shapes
            numbered.append((int(hit[2] or 0), has_bias, tuple(shapes[name])))
    numbered.sort()
    plain = tuple(shape for _, has_bias, shape in numbered if not has_bias)
    biased = tuple(shape for _, has_bias, shape in numbered if has_bias)
    return plain, biased


def _gates(kernels, is_bottleneck):
    kind = blocks.BottleneckBlock if is_bottleneck else blocks.BasicBlock
    return tuple((k[2] // kind.expansion, k[3]) for k in kernels)


def _depth(layout, path):
    depths = {
        (kind is blocks.BottleneckBlock, sum(counts)): depth
        for depth, (kind, counts) in resnet.DEPTHS.items()
    }
    shape = (layout.is_bottleneck, layout.num_blocks)
    if shape not in depths or not layout.stem_kernels:
        kind = "bottleneck" if layout.is_bottleneck else "basic"
        raise errors.UserError(
            f"checkpoint must hold a ResNet of depth "
            f"{', '.join(map(str, resnet.DEPTHS))}; {path!r} has "
            f"{layout.num_blocks} {kind} blocks"
        )
    return depths[shape]


def _stem(layout):
    is_large = len(layout.stem_kernels) > 1 or layout.stem_kernels[0][0] == 7
    return "imagenet" if is_large else "cifar"


def _head_mode(layout):
    if not layout.head_kernels:
        return "none"
    return "linear" if layout.has_linear_head else "nonlinear"


def _shows_sk_ratio(layout):
    """Whether it can be told: of basic blocks, only where ResNet-D shows."""
    if layout.is_bottleneck or layout.is_resnet_d is not None:
        return True
    return _stem(layout) == "imagenet"


def _sk_ratio(layout):
    if layout.selective:
        return _ratio(layout.selective, LEAST_SELECTIVE)
    # Basic blocks take ResNet-D's stem and shortcuts from it, nothing else.
    is_resnet_d = layout.is_resnet_d or len(layout.stem_kernels) > 1
    return PREFERRED_RATIOS[0] if is_resnet_d else 0.0


def _ratio(widths, least):
    """The ratio behind (F, hidden) pairs: a usual one, else the shortest."""
    if not widths:
        return 0.0
    for ratio in PREFERRED_RATIOS:
        if _gives(ratio, widths, least):
            return ratio
    # Where all are at the least, any ratio small enough will do.
    smallest = 1 / max(f for f, _ in widths)
    low = max((h / f for f, h in widths if h > least), default=smallest)
    digits = (round(math.ceil(low * 10**d) / 10**d, d) for d in range(1, 16))
    return next((r for r in digits if _gives(r, widths, least)), low)


def _gives(ratio, widths, least):
    return ratio > 0 and all(max(int(f * ratio), least) == h for f, h in widths)
