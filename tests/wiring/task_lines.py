"""What fields change in modes other than training."""

from training_lines import NETWORK as TRAINED_NETWORK
from training_lines import OPENED
from wiring_line import line, used_in

NETWORK = {
    name: row for name, row in TRAINED_NETWORK.items() if name != "global_bn"
} | {
    "resnet_depth": line(18, "network.encoder.depth"),
    "image_size": line(16, "make_eval_model.image_size"),
    "num_proj_layers": line(4, "network.num_proj_layers"),
    "proj_out_dim": line(3, "network.proj_out_dim"),
    "batch_norm_decay": line(
        0.5, "network.encoder.bn_momentum", "network.bn_momentum"
    ),
}  # fmt: skip
"""Export and import write it, evaluation exports it, too."""
DATA = {
    **OPENED,
    "max_image_pixels": line(
        5000,
        "open_source.max_image_pixels",
        "eval_dataset.max_image_pixels",
        "named.max_pixels",
    ),
    "eval_batch_size": line(8, "eval_dataset.batch_size"),
}
SPLITS = {
    "dataset": line("cifar10", "open_source.dataset"),
    "eval_split": line("test[:20]", "open_source.split", "extract.images"),
}
EXPORTED = {
    "train_mode": line("finetune", "network.probe_stop_gradient"),
    "checkpoint": line("elsewhere/ckpt-7", "load.path"),
    "export_format": line("keras", "replace.path", "replace.metadata"),
    "keep_hub_module_max": line(3, "sweep.keep"),
}
L2_LOSS = {
    "weight_decay": line(1.0, "result"),
    "optimizer": line("momentum", "result"),
    "fine_tune_after_block": line(
        4, "result", train_mode="finetune", optimizer="momentum"
    ),
}
EVALUATION = NETWORK | DATA | EXPORTED | {
    "model_dir": line("@other", "replace.path"),
    "eval_protocol": line("@protocol", "result"),
}  # fmt: skip
ONLINE = EVALUATION | SPLITS | L2_LOSS | {
    "eval_steps": line(1, "extract.images", eval_batch_size=8),
    "train_split": line("test[:30]", "warning.text"),
}  # fmt: skip
CHOICE = {
    "knn_neighbors": line(2, "result"),
    "knn_temperature": line(10.0, "result"),
    "knn_grid": line(True, "result"),
    "probe_l2": line((100.0,), "result"),
    "holdout_fraction": line(0.3, "hold_out.fraction", knn_grid=True),
    "feature_cache": line("@cache", "load_or_extract.directory"),
}
FROZEN = {
    name: row for name, row in (ONLINE | CHOICE).items() if name != "eval_steps"
} | {
    "train_split": line("train[:70]", "open_source.split", "extract.images"),
    "seed": line(1, "result", eval_label_budgets=("2",)),
    "eval_label_budgets": line(("2",), "result"),
    "eval_label_draws": line(3, "result", eval_label_budgets=("2",)),
    "eval_methods": line(("knn",), "result"),
    "eval_baselines": line(("pixels",), "result"),
    "probe_blocks": line(True, "result"),
}  # fmt: skip
SETS = {"transfer_datasets": ("digits",)}
TUNED = {"transfer_method": "finetune", **SETS}
GRID = {"transfer_learning_rates": (0.1,), "transfer_weight_decays": (0.0,)}


def of_runs(values, **given):
    """Lines of fields that trainings get as they are."""
    return {
        name: line(value, f"run.{name}", **given)
        for name, value in values.items()
    }


DEVICES = {
    "jit": "on", "num_replicas": 2, "use_tpu": True, "tpu_name": "a",
    "tpu_zone": "a", "gcp_project": "a", "global_bn": False,
    "float_views": True, "use_flip": False, "crop_min_area": 0.5,
}  # fmt: skip
PACE = {"log_every_secs": 1.0, "steps_per_loop": 3}
TRANSFER = EVALUATION | {
    "probe_l2": line((100.0,), "result"),
    "feature_cache": line("@cache", "load_or_extract.directory"),
    "transfer_datasets": line(("digits", "x=folder:nowhere"), "result"),
    "transfer_method": line("finetune", "result", **GRID),
    "transfer_steps": line(30, "run.train_steps", **TUNED, **GRID),
    "transfer_batch_size": line(32, "run.train_batch_size", **TUNED, **GRID),
    "transfer_learning_rates": line(
        (0.2,), "run.learning_rate", **TUNED, **GRID
    ),
    "transfer_weight_decays": line((0.5,), "run.weight_decay", **TUNED, **GRID),
    **of_runs({"seed": 1, **DEVICES, **PACE}, **TUNED, **GRID),
}  # fmt: skip
STARTED = {
    **DEVICES,
    **PACE,
    "learning_rate": 0.7, "learning_rate_scaling": "sqrt", "momentum": 0.5,
    "lars_eta": 0.1, "optimizer": "adam", "weight_decay": 0.5,
    "warmup_epochs": 3.0, "train_batch_size": 16, "train_epochs": 3,
    "train_steps": 3, "checkpoint_steps": 3, "checkpoint_epochs": 3,
    "keep_checkpoint_max": 3, "profile": True, "keep_logits_layer": True,
    "variable_schema": "x", "export_format": "keras",
    "keep_hub_module_max": 3,
}  # fmt: skip
ARCHITECTURE = {
    "resnet_depth": 50, "width_multiplier": 0.5, "sk_ratio": 0.5,
    "se_ratio": 0.5, "stem": "imagenet", "image_size": 16, "remat": True,
    "proj_head_mode": "linear", "num_proj_layers": 4, "proj_out_dim": 3,
    "ft_proj_selector": 1, "batch_norm_decay": 0.5, "fused_bn": False,
    "precision": "bfloat16",
}  # fmt: skip
SCRATCH = {"curve_methods": ("scratch",)}
CURVE = {
    **of_runs(STARTED | ARCHITECTURE | {"checkpoint": "@other"}),
    **of_runs({"fine_tune_after_block": 2}, train_mode="finetune"),
    **of_runs({"zero_init_logits_layer": True}, keep_logits_layer=False),
    **SPLITS,
    **DATA,
    **CHOICE,
    "knn_grid": line(
        True,
        "result",
        knn_neighbors=1,
        label_fractions=(1.0,),
        eval_split="test[:200]",
    ),
    "seed": line(1, "run.seed", "hold_out.seed", knn_grid=True),
    "num_seeds": line(2, "run.seed", "result"),
    "model_dir": line("@other", "run.model_dir"),
    "train_split": line("train[:70]", "open_source.split", "extract.images"),
    "label_fractions": line((0.6,), "run.label_fraction", "result"),
    "curve_methods": line(("knn",), "result"),
    "scratch_train_epochs": line(7, "run.train_epochs", **SCRATCH),
    "scratch_learning_rate": line(0.9, "run.learning_rate", **SCRATCH),
}
EXPORT = {
    name: row for name, row in (NETWORK | EXPORTED).items()
} | {
    "model_dir": line("@other", "replace.path"),
    "export_dir": line("elsewhere", "replace.path"),
}  # fmt: skip
IMPORT = {
    name: row for name, row in NETWORK.items() if name in used_in("import")
} | {
    "model_dir": line("@other", "Checkpoints.path"),
    "checkpoint": line("elsewhere/ckpt-7", "load.path", "open_checkpoint.path"),
}  # fmt: skip
