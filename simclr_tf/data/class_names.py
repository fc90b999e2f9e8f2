"""Whether two lists of classes are the same, where both have names."""


def first_difference(names, others):
    """The first class that goes by another name, or None.

    Args:
        names: sequence of str, or None where they are not known. Names that
            are only the numbers, as of classes without names, tell nothing.
        others: sequence of as many str, or None.

    Returns:
        (number, name, other name), or None if no difference is known.
    """
    if not (_is_named(names) and _is_named(others)):
        return None
    both = zip(names, others, strict=True)
    differing = (
        (number, name, other)
        for number, (name, other) in enumerate(both)
        if name != other
    )
    return next(differing, None)


def _is_named(names):
    return names is not None and any(
        name != str(number) for number, name in enumerate(names)
    )
