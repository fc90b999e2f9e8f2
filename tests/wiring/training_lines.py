"""What fields change in training, whatever its kind."""

from wiring_line import line

TRAINED = "@trained"
"""In the place of the directory of a run to start from."""
ELSEWHERE = ("mode", "train_mode", "preset", "num_seeds", "tf32", "extend")
"""Fields of `test_dispatch_wiring.py`, and of `test_extended_runs.py`."""
TPU = {"use_tpu": True, "tpu_name": "a", "tpu_zone": "b", "gcp_project": "c"}
DEVICES = "make_strategy.tpu"
NETWORK = {
    "resnet_depth": line(50, "network.encoder.depth", "network.shapes"),
    "width_multiplier": line(1 / 16, "network.encoder.width"),
    "sk_ratio": line(0.25, "network.encoder.sk_ratio"),
    "se_ratio": line(0.5, "network.encoder.se_ratio"),
    "stem": line("imagenet", "network.encoder.stem"),
    "precision": line("bfloat16", "network.encoder.dtype"),
    "fused_bn": line(False, "network.encoder.fused_bn", "network.fused_bn"),
    "remat": line(True, "network.encoder.remat"),
    "global_bn": line(False, "network.encoder.sync_bn", "network.sync_bn"),
    "proj_head_mode": line("linear", "network.proj_head_mode"),
    "num_proj_layers": line(3, "network.num_proj_layers"),
    "proj_out_dim": line(3, "network.proj_out_dim", "network.shapes"),
    "ft_proj_selector": line(1, "network.ft_proj_selector"),
    "batch_norm_decay": line(
        0.5, "statistics.encoder", "statistics.projection"
    ),
}
UPDATE = {
    "optimizer": line("momentum", "weights.encoder", "weights.head"),
    "learning_rate": line(0.5, "weights.encoder"),
    "learning_rate_scaling": line("sqrt", "weights.encoder"),
    "warmup_epochs": line(1, "weights.encoder"),
    # The optimizer decays the encoder, an L2 loss the supervised head.
    "weight_decay": line(1.0, "first.encoder", "first.head"),
    "momentum": line(0.5, "weights.encoder"),
    "lars_eta": line(0.1, "weights.encoder"),
}
CALLS = {
    "train_batch_size": line(
        4, "train_dataset.batch_size", "Progress.batch_size"
    ),
    "train_epochs": line(3, "Progress.total_steps", train_steps=0),
    "train_steps": line(30, "Progress.total_steps", "open_run.facts"),
    "checkpoint_steps": line(3, "train.every"),
    "checkpoint_epochs": line(3, "train.every"),
    "keep_checkpoint_max": line(3, "Checkpoints.keep"),
    "model_dir": line(
        "e", "Checkpoints.path", "open_run.path", "MetricsWriter.path"
    ),
    "accept_data_change": line(True, "check_free.accepts_change"),
    "log_every_secs": line(1.0, "is_due.secs"),
    "steps_per_loop": line(3, "train.steps_per_call"),
    "profile": line(True, "ProfiledCall.directory"),
    "jit": line("on", "choose.jit", "compiled.is_compiled"),
    "num_replicas": line(2, "make_strategy.num_replicas"),
    "use_tpu": line(True, DEVICES),
    "tpu_name": line("z", DEVICES, **TPU),
    "tpu_zone": line("z", DEVICES, **TPU),
    "gcp_project": line("z", DEVICES, **TPU),
}
OPENED = {
    "data_dir": line("elsewhere", "open_source.data_dir"),
    "download": line(False, "open_source.download"),
    "check_images": line("all", "open_source.check_images"),
    "memory_limit_mb": line(1, "open_source.memory_limit_mb"),
    "cache_dataset": line(True, "cached.source"),
}
"""Every mode that has images opens them by these."""
DATA = {
    "dataset": line("cifar10", "open_source.dataset"),
    "train_split": line("train[:48]", "open_source.split"),
    **OPENED,
    "max_image_pixels": line(
        5000,
        "open_source.max_image_pixels",
        "train_dataset.max_image_pixels",
        "named.max_pixels",
    ),
}
VIEWS = {
    "image_size": line(16, "views", "crops"),
    "use_flip": line(False, "views"),
    "crop_min_area": line(0.9, "views", "crops"),
    "float_views": line(True, "crops"),
}
START = {
    "checkpoint": line(TRAINED, "initial.encoder", "initial.projection"),
    "keep_logits_layer": line(True, "initial.head", checkpoint=TRAINED),
    "variable_schema": line(
        "(?!head_supervised|.*/conv2d/kernel)",
        "initial.encoder",
        checkpoint=TRAINED,
    ),
    "zero_init_logits_layer": line(True, "initial.head"),
}
SEED = (
    "initial.encoder", "initial.projection", "initial.head", "views", "crops",
    "train_dataset.seed",
)  # fmt: skip
COMMON = (
    NETWORK | UPDATE | CALLS | DATA | VIEWS | START | {"seed": line(1, *SEED)}
)
