"""Where a field has an effect, and the line that names those without."""

import dataclasses

import pytest

from simclr_tf import cli, flag_table
from simclr_tf.config import Config, uses

NO_EFFECT_ANYWHERE = {"master", "eval_name", "train_summary_steps"}


def unused(mode, *names, **values):
    return uses.unused(Config(mode=mode, model_dir="d", **values), names)


def test_every_field_says_what_it_changes_and_where():
    for field in dataclasses.fields(Config):
        used = field.metadata["used_in"]
        assert used <= set(uses.ACTIVITIES), field.name
        assert field.metadata["changes"], field.name
        assert bool(used) != (field.name in NO_EFFECT_ANYWHERE), field.name


def test_a_training_records_what_evaluation_reads():
    assert unused("train", "temperature", "eval_split", "preset") == ()
    assert unused("train", "compare_with", "distill_alpha") == (
        "compare_with", "distill_alpha",
    )  # fmt: skip
    assert unused("train", "temperature", train_mode="finetune") == (
        "temperature",
    )


def test_evaluation_reads_what_its_protocol_does():
    names = ("momentum", "weight_decay", "knn_grid", "transfer_steps")
    assert unused("eval", *names) == ("knn_grid", "momentum", "transfer_steps")
    assert unused("eval", *names, eval_protocol="frozen") == (
        "momentum", "transfer_steps",
    )  # fmt: skip


def test_a_plan_reads_what_its_training_does():
    names = ("temperature", "distill_alpha", "log_every_secs")
    assert unused("plan", *names) == ("distill_alpha", "log_every_secs")
    assert unused("plan", *names, train_mode="finetune") == (
        "distill_alpha", "log_every_secs", "temperature",
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(NO_EFFECT_ANYWHERE))
def test_flags_accepted_for_official_commands_are_named(name):
    for mode in ("train", "eval", "train_then_eval", "export", "plan"):
        assert unused(mode, name) == (name,)


def test_what_is_typed_counts_not_what_files_say(tmp_path):
    path = tmp_path / "my.flags"
    path.write_text("--momentum=0.5\n")
    names = cli.typed_names(
        ["--preset=quickstart", f"--flagfile={path}", "--nouse_blur",
         "--temperature=0.5", "--seed", "3", "-train_steps=1"]
    )  # fmt: skip
    assert names == {"use_blur", "temperature", "seed", "train_steps"}


def test_the_page_in_the_documentation_is_up_to_date(request):
    page = request.config.rootpath / "docs" / "flags.md"
    assert page.read_text("utf-8") == flag_table.render(), (
        "run `python -m simclr_tf.flag_table > docs/flags.md`"
    )
