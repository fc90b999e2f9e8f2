"""The command line: one flag per field of `Config`, and the dispatch."""

import dataclasses
import os
import re
import sys

from absl import app, flags, logging

import simclr_tf
from simclr_tf import errors, help_text, quiet_import, streams, typed_text
from simclr_tf.config import Config, fields, flag_files, presets, uses

_HELP = frozenset(("--help", "-help", "-h", "--helpshort", "-helpshort"))
_FLAG_FILES = ("flagfile", "preset")


def console(argv=None):
    """Runs the program and exits; the console script `simclr-tf`.

    Args:
        argv: program name and arguments; default `sys.argv`.

    Raises:
        SystemExit: 0 after success, 1 after a user's mistake (one line on
            stderr) and without arguments (how to start), 130 after Ctrl-C.
    """
    program, *arguments = sys.argv if argv is None else argv
    argv = [program, *map(typed_text.flag, arguments)]
    streams.make_usable()
    if _HELP.intersection(argv[1:]):
        streams.say(help_text.render(), sys.stdout)
        sys.exit(0)
    if not argv[1:]:
        streams.say(help_text.START, sys.stderr)
        sys.exit(1)
    if "--version" in argv[1:]:
        streams.say(f"simclr-tf {simclr_tf.__version__}\n", sys.stdout)
        sys.exit(0)
    forget_flags()
    try:
        app.run(_main, argv=argv, flags_parser=_check_flags)
    except errors.UserError as error:
        streams.say(f"simclr-tf: {_one_line(error)}\n", sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def parse(arguments, flag_values=None):
    """The `Config` that command-line arguments stand for.

    Flags given explicitly win over those of a flag file, these over those of
    a preset, in any order; of a repeated flag the last one counts.

    Args:
        arguments: strings such as "--temperature=0.5", no program name.
        flag_values: absl `FlagValues` to define and set the flags in;
            default a fresh one.

    Raises:
        errors.UserError: if an argument is unknown or its value is bad.
    """
    flag_values = flags.FlagValues() if flag_values is None else flag_values
    define_flags(flag_values)
    try:
        expanded = expand(list(arguments))
        _, *leftover = flag_values(["simclr-tf", *expanded])
    except flags.Error as error:
        raise _user_error(error) from error
    if leftover:
        raise errors.UserError(
            "arguments must be flags, --name=value (a switch is --name or "
            f"--noname); got {leftover[0]!r}"
        )
    return _to_config(flag_values)


def forget_flags():
    """Removes our flags from absl's, where a former call has left them.

    In a notebook the program may be run several times in one process; no
    value of one call is to reach the next.
    """
    for name in list(flags.FLAGS):
        if flags.FLAGS.find_module_defining_flag(name) == __name__:
            delattr(flags.FLAGS, name)


def define_flags(flag_values):
    """Defines one flag per field of `Config` in absl `flag_values`."""
    for field in dataclasses.fields(Config):
        kind = fields.kind(field)
        options = {"flag_values": flag_values}
        if kind == "enum":
            options["enum_values"] = list(field.metadata["choices"])
        _DEFINE[kind](
            field.name,
            default=_flag_default(field),
            help=field.metadata["help"],
            **options,
        )


def expand(arguments):
    """Replaces flag files and presets by their flags, weakest first."""
    explicit, files, names = _split(arguments)
    from_files = [a for path in files for a in flag_files.arguments(path)]
    from_files, _, nested_names = _split(from_files)
    chosen = (nested_names + names)[-1:]
    weakest = [a for name in chosen for a in presets.arguments(name)]
    note = [f"--preset={name}" for name in chosen]
    return [*weakest, *note, *from_files, *explicit]


def dispatch(config, *, typed=()):
    """Does what `config.mode` and `config.train_mode` ask for.

    Args:
        config: a `Config`.
        typed: names of the flags given by hand. One log line names those that
            have no effect; presets and flag files serve several modes, so
            theirs are not named.

    Raises:
        errors.UserError: whatever the task finds wrong.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_import.quietly():
        from simclr_tf.commands import modes
        from simclr_tf.training import console as screen

    if not flags.FLAGS["verbosity"].present:
        screen.speak_plainly()
    unused = uses.unused(config, typed)
    if unused:
        logging.info(
            "no effect with --mode=%s: %s",
            uses.describe(config),
            ", ".join(f"--{name}" for name in unused),
        )
    modes.run(config)


def typed_names(arguments):
    """Names of the fields that arguments set themselves, a frozenset.

    Args:
        arguments: strings such as "--temperature=0.5" or "--nouse_blur", no
            program name; those of presets and flag files do not count.
    """
    known = {field.name for field in dataclasses.fields(Config)}
    explicit, _, _ = _split(arguments)
    given = {
        argument.lstrip("-").partition("=")[0]
        for argument in explicit
        if argument.startswith("-")
    }
    return frozenset(known & (given | {n.removeprefix("no") for n in given}))


def _check_flags(argv):
    """Parses and validates; absl exits after it for --only_check_args."""
    parse(argv[1:], flags.FLAGS)
    return argv


def _main(argv):
    dispatch(_to_config(flags.FLAGS), typed=typed_names(argv[1:]))


def _to_config(flag_values):
    """The `Config` of the flags that were set, by whatever route."""
    known = dataclasses.fields(Config)
    present = [f for f in known if flag_values[f.name].present]
    return Config(**{f.name: _value(f, flag_values) for f in present})


def _flag_default(field):
    if isinstance(field.default, tuple):
        return [str(item) for item in field.default]
    return field.default


def _value(field, flag_values):
    value = flag_values[field.name].value
    if value == "" and field.default is None:
        return None
    if fields.kind(field) != "floats":
        return value
    try:
        return [float(item) for item in value]
    except ValueError:
        raise errors.UserError(
            f"{field.name} must be a list of numbers; got {','.join(value)!r}"
        ) from None


def _split(arguments):
    """Explicit arguments, names of flag files, names of presets."""
    explicit, found = [], {name: [] for name in _FLAG_FILES}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.lstrip("-").partition("=")
        if argument.startswith("-") and name in found:
            found[name].append(value if equals else next(rest, ""))
        else:
            explicit.append(argument)
    for name, values in found.items():
        if "" in values:
            raise errors.UserError(f"{name} must be given a value; got none")
    return explicit, found["flagfile"], found["preset"]


def _user_error(error):
    """absl's complaint in the words of this project."""
    known = {field.name: field for field in dataclasses.fields(Config)}
    match = re.match(r"flag --(\w+)=(.*?): ", str(error), re.DOTALL)
    if match and match[1] in known:
        try:
            fields.coerce(known[match[1]], match[2])
        except errors.UserError as better:
            return better
    return errors.UserError(_one_line(error))


def _one_line(error):
    return " ".join(str(error).split())


_DEFINE = {
    "bool": flags.DEFINE_bool,
    "int": flags.DEFINE_integer,
    "float": flags.DEFINE_float,
    "string": flags.DEFINE_string,
    "enum": flags.DEFINE_enum,
    "strings": flags.DEFINE_list,
    "floats": flags.DEFINE_list,
}
