"""Structures of arguments: their fields are parameters of the kernels' text, by their names and in their order."""

import inspect
import re
from typing import get_type_hints

import numpy as np
import pytest

from gpumask.backends import arguments
from gpumask.backends.arguments import Footprint, Grid, Out, Pixels, Target, Valid, flat
from gpumask.backends.source import kernel_source, kernels_folder
from gpumask.backends.twins import TWINS

# NamedTuple itself has no fields.
STRUCTURES = [each for each in vars(arguments).values() if inspect.isclass(each) and hasattr(each, "_fields")]


def parameters_of(kernel):
    """Return the names of the kernel's parameters in its text, with all macros replaced."""
    text = kernel_source(kernel)
    lists = dict(re.findall(r"^#define (\w+_PARAMETERS)\s((?:.*\\\n)*.*)", text, re.MULTILINE))
    (found,) = re.findall(rf"^KERNEL\({kernel}, ([^{{]*)\)\n\{{", text, re.MULTILINE)
    while re.search(r"\w+_PARAMETERS", found):
        found = re.sub(r"\w+_PARAMETERS", lambda name: lists[name[0]].replace("\\\n", ""), found)
    return [re.findall(r"\w+", parameter)[-1] for parameter in found.split(",")]


def names_in(structure):
    """Return the names of a structure's fields, with those of structures within it in their place."""
    found = []
    for name, of in get_type_hints(structure).items():
        found += names_in(of) if of in STRUCTURES else [name]
    return found


def arguments_of(twin):
    """Return the names of what a twin takes, with the fields of structures in their place."""
    types, found = get_type_hints(twin), []
    for name, parameter in inspect.signature(twin).parameters.items():
        if parameter.kind is not parameter.KEYWORD_ONLY:
            found += names_in(types[name]) if name in types else [name]
    return found


@pytest.mark.parametrize("kernel", TWINS)
def test_what_is_in_the_structures_of_a_twin_is_the_parameters_of_its_kernel(kernel):
    assert arguments_of(TWINS[kernel]) == parameters_of(kernel)


def test_every_kernel_has_a_twin():
    assert set(TWINS) == {path.stem for path in kernels_folder().glob("*.cu")}


def test_every_structure_is_given_to_a_kernel_or_is_a_part_of_one_that_is():
    given = {of for twin in TWINS.values() for of in get_type_hints(twin).values()}
    assert given | {of for each in given for of in get_type_hints(each).values()} >= set(STRUCTURES)


def test_structures_within_structures_are_flat_for_a_compiled_kernel():
    nodes = arguments.Nodes("row", "col", 1, None, 0, 2.5)
    grid = Grid(nodes, 3, 4, 5, 6, 7, 8, arguments.Divisions(*range(10)))
    assert flat([9, grid, None]) == [9, "row", "col", 1, None, 0, 2.5, 3, 4, 5, 6, 7, 8, *range(10), None]


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda of: of.__name__)
def test_no_structure_is_left_in_flat_arguments(structure):
    def made(of):
        return of(*(made(each) if each in STRUCTURES else name for name, each in get_type_hints(of).items()))

    assert flat([made(structure)]) == names_in(structure)


def test_pitches_and_planes_count_elements():
    image, plane = np.zeros((3, 10, 20), np.float32)[:, 2:7, 4:9], np.zeros((10, 20), np.uint16)[::2]
    assert Pixels.of(image)[1:] == (3, 20, 200)
    assert Target.of(image, plane)[1:3] == (20, 200)
    assert Target.of(image, plane)[4:] == (40, 0)
    assert Target.of(image, None)[3:] == (None, 0, 0)
    assert Valid.of(None) == Footprint.of(None) == (None, 0)
    assert Footprint.of(image)[1] == 200
    assert Out.of(plane)[1] == 40
