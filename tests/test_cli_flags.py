"""The command line: names, defaults, precedence, messages, exit codes."""

import dataclasses
import json
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
from absl import flags

import simclr_tf
from simclr_tf import cli, errors, help_text
from simclr_tf.config import Config

ROOT = pathlib.Path(__file__).parent.parent
OFFICIAL = json.loads(
    (ROOT / "tests/goldens/official_flags.json").read_text("utf-8")
)
OUR_DEFAULTS = {"use_tpu": False}
OUR_CHOICES = {
    "mode": ["export", "import", "plan", "compare", "label_curve"],
    "train_mode": ["distill"],
    "optimizer": ["lamb"],
}
OURS = {
    "download",
    "memory_limit_mb",
    "max_image_pixels",
    "check_images",
    "accept_data_change",
    "stem",
    "variable_schema",
    "train_summary_steps",
    "color_jitter_impl",
    "crop_min_area",
    "use_flip",
    "lars_eta",
    "seed",
    "preset",
    "num_replicas",
    "tf32",
    "fused_bn",
    "microbatch_size",
    "remat",
    "profile",
    "float_views",
    "steps_per_loop",
    "log_every_secs",
    "precision",
    "jit",
    "export_dir",
    "export_format",
    "extend",
    "nt_xent",
    "keep_logits_layer",
    "eval_protocol",
    "eval_label_budgets",
    "eval_label_draws",
    "eval_baselines",
    "knn_every_epochs",
    "knn_neighbors",
    "knn_temperature",
    "probe_l2",
    "holdout_fraction",
    "num_seeds",
    "label_fraction",
    "labels_per_class",
    "label_file",
    "from_scratch",
    "teacher",
    "distill_temperature",
    "distill_alpha",
    "unlabelled_dataset",
    "unlabelled_split",
    "eval_methods",
    "knn_grid",
    "probe_blocks",
    "feature_cache",
    "transfer_datasets",
    "transfer_method",
    "transfer_steps",
    "transfer_batch_size",
    "transfer_learning_rates",
    "transfer_weight_decays",
    "compare_with",
    "label_fractions",
    "curve_methods",
    "scratch_train_epochs",
    "scratch_learning_rate",
}

# As published, data set and directories apart (official README).
PUBLISHED = [
    "--train_mode=pretrain --train_batch_size=512 --train_epochs=1000 "
    "--learning_rate=1.0 --weight_decay=1e-4 --temperature=0.5 "
    "--dataset=cifar10 --image_size=32 --eval_split=test --resnet_depth=18 "
    "--use_blur=False --color_jitter_strength=0.5 --model_dir=DIR "
    "--use_tpu=False",
    "--train_mode=pretrain --train_batch_size=4096 --train_epochs=100 "
    "--temperature=0.1 --learning_rate=0.075 --learning_rate_scaling=sqrt "
    "--weight_decay=1e-4 --dataset=imagenet2012 --image_size=224 "
    "--eval_split=validation --data_dir=DATA --model_dir=DIR --use_tpu=True "
    "--tpu_name=NAME --train_summary_steps=0",
    "--mode=train_then_eval --train_mode=finetune --fine_tune_after_block=4 "
    "--zero_init_logits_layer=True "
    "--variable_schema='(?!global_step|(?:.*/|^)Momentum|head)' "
    "--global_bn=False --optimizer=momentum --learning_rate=0.1 "
    "--weight_decay=0.0 --train_epochs=100 --train_batch_size=512 "
    "--warmup_epochs=0 --dataset=cifar10 --image_size=32 --eval_split=test "
    "--resnet_depth=18 --checkpoint=PRETRAINED --model_dir=DIR "
    "--use_tpu=False",
    "--mode=train_then_eval --train_mode=finetune --fine_tune_after_block=-1 "
    "--zero_init_logits_layer=True "
    "--variable_schema='(?!global_step|(?:.*/|^)Momentum|head_supervised)' "
    "--global_bn=True --optimizer=lars --learning_rate=0.005 "
    "--learning_rate_scaling=sqrt --weight_decay=0 --train_epochs=60 "
    "--train_batch_size=1024 --warmup_epochs=0 "
    "--dataset=imagenet2012_subset/1pct --image_size=224 "
    "--eval_split=validation --data_dir=DATA --model_dir=DIR "
    "--checkpoint=PRETRAINED --use_tpu=True --tpu_name=NAME "
    "--train_summary_steps=0 --num_proj_layers=3 --ft_proj_selector=1",
]

MISTAKES = [
    ("", "model_dir must be given for training; got None"),
    ("--model_dir=d --temperature=0", "temperature must be positive; got 0.0"),
    ("--model_dir=d --train_epochs=x", "train_epochs must be a whole number"),
    ("--model_dir=d --momentum=", "momentum must be a finite number; got ''"),
    ("--model_dir=d --use_blur=2", "use_blur must be True or False; got '2'"),
    ("--model_dir=d --mode=fly", "mode must be one of train, eval,"),
    ("--model_dir=d --probe_l2=1,b", "probe_l2 must be a list of numbers"),
    ("--temprature=1", "Did you mean: temperature"),
    ("--model_dir", "Missing value for flag --model_dir"),
    ("--model_dir=d stray", "got 'stray'"),
    ("--model_dir=d --use_tpu False", "got 'False'"),
    ("--flagfile=/no/such/file", "flagfile must be a readable file of text; "),
    ("--flagfile", "flagfile must be given a value"),
    ("--preset", "preset must be given a value"),
    ("--preset=nothing", "preset must be one of cifar10_10pct, "),
]


def run(*arguments, code=None):
    command = [sys.executable, *(["-c", code] if code else ["run.py"])]
    return subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def by_name():
    return {field.name: field for field in dataclasses.fields(Config)}


def test_the_list_of_flags_is_frozen():
    official = {flag["name"] for flag in OFFICIAL}
    assert len(official) == 48
    assert set(by_name()) == official | OURS
    assert not official & OURS


@pytest.mark.parametrize("flag", OFFICIAL, ids=lambda flag: flag["name"])
def test_official_names_defaults_and_choices(flag):
    name = flag["name"]
    field = by_name()[name]
    assert field.default == OUR_DEFAULTS.get(name, flag["default"])
    choices = flag["choices"] and flag["choices"] + OUR_CHOICES.get(name, [])
    assert list(field.metadata["choices"] or ()) == (choices or [])


def test_absl_has_one_flag_per_field_with_its_default():
    values = flags.FlagValues()
    cli.define_flags(values)
    assert set(values) == set(by_name())
    for name, field in by_name().items():
        default = values[name].default
        if isinstance(field.default, tuple):
            assert [str(item) for item in field.default] == default
        else:
            assert default == field.default
            assert type(default) is type(field.default)


def test_no_argument_means_every_default():
    config = cli.parse(["--model_dir=d"])
    assert config == Config(model_dir="d")
    assert config.explicit == {"model_dir"}


@pytest.mark.parametrize("command", PUBLISHED)
def test_published_commands_run_as_they_stand(command):
    arguments = shlex.split(command)
    config = cli.parse(arguments)
    written = {a[2:].partition("=")[0] for a in arguments}
    assert config.explicit == written
    assert config.model_dir == "DIR"
    assert config.train_mode in command


def test_every_kind_of_flag_arrives_as_its_type():
    config = cli.parse(
        shlex.split(
            "--model_dir=d --probe_l2=1,0.5 --eval_label_budgets=1%,all "
            "--nodownload --width_multiplier=1 --seed 7 --eval_baselines= "
            "--learning_rate=1e-3 --checkpoint="
        )
    )
    assert config.probe_l2 == (1.0, 0.5)
    assert config.eval_label_budgets == ("1%", "all")
    assert config.download is False
    assert config.width_multiplier == 1.0
    assert config.seed == 7
    assert config.eval_baselines == ()
    assert config.learning_rate == 0.001
    assert config.checkpoint is None


@pytest.mark.parametrize(("command", "message"), MISTAKES)
def test_a_mistake_is_one_line(command, message):
    with pytest.raises(errors.UserError) as caught:
        cli.parse(shlex.split(command))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def flag_file(tmp_path):
    path = tmp_path / "my.flags"
    path.write_text(
        "# a comment\n\n--temperature=0.7\n--train_epochs=3\n"
        "--preset=cifar10_adam\n"
    )
    return path


def test_explicit_flags_win_over_a_flag_file_in_any_order(flag_file):
    source, own = f"--flagfile={flag_file}", "--temperature=0.9"
    directory = "--model_dir=d"
    for order in ([source, own, directory], [own, directory, source]):
        config = cli.parse(order)
        assert config.temperature == 0.9
        assert config.train_epochs == 3


def test_a_flag_file_wins_over_a_preset_in_any_order(flag_file):
    source, preset = f"--flagfile={flag_file}", "--preset=cifar10_resnet18"
    for order in ([source, preset], [preset, source]):
        config = cli.parse(["--model_dir=d", *order])
        assert config.train_epochs == 3
        assert config.optimizer == "lars"
        assert config.preset == "cifar10_resnet18"


def test_a_flag_file_may_name_a_preset_or_another_file(flag_file, tmp_path):
    outer = tmp_path / "outer.flags"
    outer.write_text(f"--flagfile={flag_file}\n--train_epochs=4\n")
    config = cli.parse(["--flagfile", str(outer), "--model_dir=d"])
    assert config.preset == "cifar10_adam"
    assert config.optimizer == "adam"
    assert (config.train_epochs, config.temperature) == (4, 0.7)


def test_the_last_of_repeated_flags_counts():
    config = cli.parse(["--model_dir=d", "--seed=1", "--seed=2"])
    assert config.seed == 2


def test_help_answers_without_tensorflow():
    code = (
        "import sys\n"
        "from simclr_tf import cli\n"
        "try:\n"
        "    cli.console()\n"
        "finally:\n"
        "    heavy = {'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    result = run("--help", code=code)
    assert result.returncode == 0, result.stderr
    assert result.stdout == help_text.render()


def test_help_groups_every_flag_with_default_and_choices():
    text = help_text.render()
    for title, group in Config.group_fields():
        section = text.split(f"\n{title}:\n")[1].split("\n\n")[0]
        for field in group:
            assert f"{field.name}  (" in section
    assert (
        "--mode  (train | eval | train_then_eval | export | import | plan |"
        in text
    )
    assert "--[no]use_blur  (true or false; default true)" in text
    assert "--knn_temperature  (number; default 0.1)" in text
    assert "--label_fractions  (comma-separated numbers; default 0.01,0" in text
    assert "--preset=quickstart" in text
    assert "hardware is detected" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_common_flags_come_first():
    """Some ten lines, each of flags that there are."""
    text = help_text.render()
    head = text[: text.index("General:")]
    named = set(re.findall(r"--(\w+)", head))
    known = {field.name for field in dataclasses.fields(Config)}
    assert named <= known | {"flagfile", "flag"}
    assert {"preset", "dataset", "model_dir", "train_batch_size"} <= named


def test_without_arguments_it_says_how_to_start(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.console(["simclr-tf"])
    assert caught.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    for words in ("--preset=quickstart", "--help", "README"):
        assert words in said.err


def test_the_program_may_be_called_again_in_one_process(monkeypatch):
    """As from a notebook: flags are set anew, and no old value stays."""
    seen = []
    monkeypatch.setattr(
        cli, "dispatch", lambda config, **_: seen.append(config)
    )
    for arguments in (["--temperature=0.3", "--seed=7"], ["--seed=8"], []):
        with pytest.raises(SystemExit) as caught:
            cli.console(["simclr-tf", "--model_dir=d", *arguments])
        assert caught.value.code in (None, 0)
    assert [config.temperature for config in seen] == [0.3, 0.1, 0.1]
    assert [config.seed for config in seen] == [7, 8, 0]
    assert "temperature" not in seen[1].explicit


@pytest.mark.parametrize("option", ["--help", "-h", "--version"])
def test_asking_exits_with_success(option, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.console(["simclr-tf", option])
    assert caught.value.code == 0
    assert "sim" in capsys.readouterr().out.lower()


def test_only_check_args_accepts_a_good_configuration():
    result = run("--only_check_args", "--model_dir=d")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--only_check_args", "--model_dir=d", "--temperature=-1"],
            "simclr-tf: temperature must be positive; got -1.0\n",
        ),
        (
            ["--model_dir=d", "--temprature=1"],
            "simclr-tf: Unknown command line flag 'temprature'. "
            "Did you mean: temperature ?\n",
        ),
        (
            ["--model_dir=d", "--train_mode=distill"],
            "simclr-tf: teacher must be given for train_mode=distill; got "
            "None\n",
        ),
    ],
)
def test_a_mistake_exits_with_one_line_and_code_1(arguments, line):
    result = run(*arguments)
    assert (result.returncode, result.stderr) == (1, line)
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        ("errors.UserError('a\\nb')", 1, "simclr-tf: a b\n"),
        ("KeyboardInterrupt", 130, ""),
        ("SystemExit(143)", 143, ""),
    ],
)
def test_how_a_task_ends_is_the_exit_code(raised, status, line):
    code = (
        "from simclr_tf import cli, errors\n"
        "def dispatch(config, **_):\n"
        f"    raise {raised}\n"
        "cli.dispatch = dispatch\n"
        "cli.console()\n"
    )
    result = run("--model_dir=d", code=code)
    assert (result.returncode, result.stderr) == (status, line)


def test_importing_the_package_is_cheap():
    code = (
        "import sys, simclr_tf\n"
        "assert simclr_tf.Config(model_dir='d').temperature == 0.1\n"
        "assert issubclass(simclr_tf.UserError, ValueError)\n"
        "assert 'pretrain' in dir(simclr_tf)\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    result = run(code=code)
    assert result.returncode == 0, result.stderr


def test_a_name_the_package_lacks_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = simclr_tf.nothing


def test_python_dash_m_is_the_same_program():
    result = subprocess.run(
        [sys.executable, "-m", "simclr_tf", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout == f"simclr-tf {simclr_tf.__version__}\n"
