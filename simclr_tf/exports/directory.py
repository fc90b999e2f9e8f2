"""A directory of exported files: whole or absent, and known as ours."""

import hashlib
import os
import uuid

import tensorflow as tf

from simclr_tf import errors, files
from simclr_tf.checkpoints import opened
from simclr_tf.exports import card

METADATA_FILE = opened.METADATA_FILE
"""Lies beside the exported files and marks a directory as ours."""
CARD_FILE = "README.md"
_CHUNK_BYTES = 1 << 20


def replace(directory, fill, *, metadata):
    """Writes a directory under a temporary name, then moves it into place.

    Args:
        directory: where it is to lie; replaced only if it is an export too,
            and, but for stores without folders, only by a whole one.
        fill: called with the temporary directory, to write the files of one
            format; returns a dict of facts about them.
        metadata: JSON-able facts of the run, which `fill`'s are added to.

    Returns:
        `directory`, without a slash at its end.

    Raises:
        errors.UserError: if `directory` exists and is not one of ours, or
            nothing can be written there.
    """
    check_replaceable(directory)
    directory = directory.rstrip("/")
    temporary = _make_beside(directory)
    try:
        facts = metadata | fill(temporary)
        facts["files"] = _checksums(temporary)
        files.write_text(_in(temporary, CARD_FILE), card.render(facts))
        files.write_json(_in(temporary, METADATA_FILE), facts)
        _put(temporary, directory)
    except BaseException:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.rmtree(temporary)
        raise
    return directory


def check_replaceable(directory):
    """Raises `UserError` if `directory` holds anything but an export of ours.

    Args:
        directory: the path to export to.
    """
    if tf.io.gfile.exists(directory) and not _is_export(directory):
        raise errors.UserError(
            f"export_dir must be new or an earlier export; got {directory!r}"
        )


def sweep(parent, *, keep, spare=None):
    """Removes all but the newest exports `parent/<step>`.

    Args:
        parent: the directory of exports.
        keep: how many to keep; 0 keeps all.
        spare: a step whose export stays however old it is.
    """
    names = [name.rstrip("/") for name in tf.io.gfile.listdir(parent)]
    steps = sorted(int(name) for name in names if name.isdigit())
    for step in steps[:-keep] if keep else []:
        if step == spare:
            continue
        old = _in(parent, str(step))
        check_replaceable(old)
        tf.io.gfile.rmtree(old)


_in = os.path.join


def _make_beside(directory):
    """A new directory whose name tells what it is to become."""
    temporary = f"{directory}.tmp-{uuid.uuid4().hex[:8]}"
    try:
        tf.io.gfile.makedirs(temporary)
    except tf.errors.OpError as error:
        raise errors.UserError(
            f"export_dir must be writable; {directory!r}: {error.message}"
        ) from error
    return temporary


def _is_export(directory):
    return tf.io.gfile.exists(_in(directory, METADATA_FILE))


def _checksums(directory):
    """SHA-256 of every file by its path in the directory."""
    return {
        path.removeprefix(directory).lstrip("/"): _checksum(path)
        for path in _files(directory)
    }


def _files(directory):
    """Paths of all files below a directory."""
    return [
        _in(folder, name)
        for folder, _, names in tf.io.gfile.walk(directory)
        for name in names
    ]


def _checksum(path):
    digest = hashlib.sha256()
    with tf.io.gfile.GFile(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _put(source, target):
    """Moves a whole directory to where an earlier one may lie."""
    if "://" in target:
        _remove_files(target)
        _move_files(source, target)
    elif _is_export(target):
        _exchange(source, target)
    else:
        tf.io.gfile.rename(source, target)


def _exchange(source, target):
    """Moves a directory to where another lies, which is then removed."""
    former = f"{target}.old-{uuid.uuid4().hex[:8]}"
    tf.io.gfile.rename(target, former)
    try:
        tf.io.gfile.rename(source, target)
    except BaseException:
        tf.io.gfile.rename(former, target)
        raise
    tf.io.gfile.rmtree(former)


def _remove_files(directory):
    """Removes what the metadata of an export names, if there is one."""
    if not _is_export(directory):
        return
    facts = files.read_json(_in(directory, METADATA_FILE))
    for name in (*facts["files"], CARD_FILE, METADATA_FILE):
        tf.io.gfile.remove(_in(directory, name))


def _move_files(source, target):
    """Renames file by file, where stores rename no folder.

    The metadata goes first, so that a move cut short is known as ours, and
    `saved_model.pb` last: until then nothing can be loaded.
    """
    places = {METADATA_FILE: 0, "saved_model.pb": 2}
    names = _files(source)
    for name in sorted(names, key=lambda n: places.get(os.path.basename(n), 1)):
        moved = target + name.removeprefix(source)
        tf.io.gfile.makedirs(os.path.dirname(moved))
        tf.io.gfile.rename(name, moved)
    tf.io.gfile.rmtree(source)
