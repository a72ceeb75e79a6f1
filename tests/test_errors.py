"""Errors and warnings: their kinds, the names in them, and the line that a warning is about."""

import warnings

import pytest

import gpumask
from gpumask import ArgumentTypeError, BackendError, GpumaskError, MaskRuleError
from gpumask.errors import renamed, warn_caller


@pytest.mark.parametrize("kind", [ArgumentTypeError, BackendError, MaskRuleError])
def test_each_error_is_one_of_gpumasks_and_a_value_error(kind):
    assert issubclass(kind, GpumaskError) and issubclass(kind, ValueError)
    assert issubclass(kind, TypeError) == (kind is ArgumentTypeError)


@pytest.mark.parametrize("kind", [GpumaskError, ArgumentTypeError, MaskRuleError])
def test_an_error_gets_the_callers_name_of_the_argument_and_stays_what_it_is(kind):
    with pytest.raises(kind, match="^array_in: expected a: b; got c$") as caught, renamed({"source": "array_in"}):
        raise kind("source: expected a: b; got c")
    assert type(caught.value) is kind and str(caught.value.__cause__).startswith("source:")


def test_errors_about_other_arguments_and_of_others_are_left_alone():
    for error in (GpumaskError("sources: expected a"), GpumaskError("no colon"), ValueError("source: of others")):
        with pytest.raises(ValueError) as caught, renamed({"source": "array_in"}):
            raise error
        assert caught.value is error


def test_a_warning_is_about_the_line_outside_of_the_library():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_caller("nodata_out: expected one")
    assert [(each.filename, each.category, str(each.message)) for each in caught] == [
        (__file__, UserWarning, "nodata_out: expected one")
    ]


def test_errors_are_public():
    assert {"GpumaskError", "ArgumentTypeError", "BackendError", "MaskRuleError"} <= set(gpumask.__all__)
