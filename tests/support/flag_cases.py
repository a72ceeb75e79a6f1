"""Flags in one line, and classes in the STAC form."""

from gpumask import MaskRule

NAMES = ["clear", "cloud", "fill", "shadow"]


def where(definition, flags, band, **more):
    """Return where a band has flags, by a rule with these flags alone."""
    return MaskRule.from_config({"flags": flags, **more}, definition).evaluate(band)


def classes(values, names=NAMES):
    """Return classes in the STAC form."""
    return [{"value": value, "name": name} for value, name in zip(values, names, strict=True)]
