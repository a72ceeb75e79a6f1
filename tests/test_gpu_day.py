"""bench/gpu.sh without a GPU: what is left after a run, limits, processes that end or hang, and the page."""

import asyncio
import doctest
import importlib
import json
import sys
import types

import numpy as np
import pytest
from checkout import BENCH

pytestmark = pytest.mark.skipif(not (BENCH / "gpu_day").is_dir(), reason="not in a checkout")


@pytest.fixture(autouse=True)
def _bench_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setenv("PYTHONPATH", str(BENCH))


@pytest.fixture
def record(tmp_path):
    from gpu_day.record import Record

    return Record(tmp_path / "card.json", "NVIDIA Card 1", "text")


@pytest.mark.parametrize("name", ["common", "page", "parts", "record", "suite"])
def test_the_examples_in_docstrings_hold(name):
    module = importlib.import_module(f"gpu_day.{name}")
    failed, tried = doctest.testmod(module, extraglobs={"np": np})
    assert tried and not failed


# ------------------------------------------------------------------------------------------------------ what is left


def test_what_is_done_is_not_left_and_what_was_never_tried_comes_first(record):
    for item, state in {"a": "failed", "b": "begun", "c": "done", "d": "skipped"}.items():
        record.put("part", item, state)
    assert record.left("part", ["a", "b", "c", "d", "e"]) == ["e", "b", "d", "a"]
    assert record.left("part", ["a", "b", "c", "d", "e"], ("never", "begun")) == ["e", "b"]


def test_results_are_on_disk_at_once_and_a_second_run_goes_on_from_them(record):
    from gpu_day.record import Record

    record.put("part", "a", "done", seconds=1.5)
    assert Record(record.path, "NVIDIA Card 1", "text").items("part") == {"a": {"state": "done", "seconds": 1.5}}


def test_results_of_another_text_are_kept_aside_and_count_no_more(record):
    from gpu_day.record import Record

    record.put("part", "a", "done")
    assert Record(record.path, "NVIDIA Card 1", "another").left("part", ["a"]) == ["a"]
    assert json.loads((record.path.parent / "card.text.json").read_text())["parts"]["part"]["items"]["a"]


def test_results_that_are_damaged_are_kept_aside(record):
    from gpu_day.record import Record

    record.path.write_text('{"text": "te')
    assert Record(record.path, "NVIDIA Card 1", "text").left("part", ["a"]) == ["a"]


def test_a_part_that_is_asked_for_again_is_left_whole(record):
    record.put("part", "a", "done")
    record.forget("part")
    assert record.left("part", ["a"]) == ["a"]


def test_the_hash_depends_on_the_scale_of_what_is_measured():
    from gpu_day.record import text_hash

    assert text_hash() == text_hash(1.0) != text_hash(0.5)


# ------------------------------------------------------------------------------------------------------------ limits


def test_all_parts_together_take_less_than_six_minutes():
    from gpu_day.parts import PARTS, WHOLE

    assert sum(part.limit for part in PARTS) <= WHOLE < 360


def test_where_time_is_short_the_first_parts_have_it():
    from gpu_day.parts import PARTS

    left, given = 60.0, []
    for part in PARTS:
        given.append(part.seconds(left))
        left -= given[-1]
    assert given[:3] == [PARTS[0].limit, 60 - PARTS[0].limit, 0]


# ----------------------------------------------------------------------------------------- processes that end or hang


@pytest.fixture
def part(tmp_path, monkeypatch):
    """A part whose items are what they are called."""
    from gpu_day.parts import Part

    code = """
import os, time
from gpu_day.common import NotHere, Wrong
def items(options): return []
def run(item, options):
    if "crash" in item: os.abort()
    if "hang" in item: time.sleep(60)
    if "raise" in item: raise ValueError("no")
    if "missing" in item: raise NotHere("no such thing")
    if "wrong" in item: raise Wrong("2 differ", differ=2)
    print("noise")
    return {"pid": os.getpid()}
"""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "made_up.py").write_text(code)
    module = types.ModuleType("gpu_day.made_up")
    monkeypatch.setitem(sys.modules, "gpu_day.made_up", module)
    exec(code, vars(module))
    # The worker imports gpu_day.made_up: a package may have a second folder.
    (folder / "sitecustomize.py").write_text(f"import gpu_day; gpu_day.__path__.append({str(folder)!r})")
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{BENCH}")
    return Part("made up", "made_up", 20, 1.5)


def run(part, record, tmp_path, names, seconds=20.0):
    from gpu_day.common import Options
    from gpu_day.run import run_part

    asyncio.run(run_part(part, record, Options(folder=str(tmp_path)), names, seconds))
    return {name: item["state"] for name, item in record.items(part.name).items()}


def test_an_item_that_fails_crashes_or_hangs_stops_no_other(part, record, tmp_path):
    names = ["one", "crash", "raise", "two", "hang", "missing", "wrong", "three"]
    assert run(part, record, tmp_path, names) == {
        "one": "done", "crash": "failed", "raise": "failed", "two": "done", "hang": "begun", "missing": "skipped",
        "wrong": "failed", "three": "done",
    }  # fmt: skip
    items = record.items(part.name)
    assert items["crash"]["why"] == "its process ended: exit code -6"
    assert items["raise"]["why"] == "ValueError: no"
    assert items["hang"]["why"].startswith("cut off after")
    assert items["wrong"]["differ"] == 2
    assert items["one"]["pid"] != items["two"]["pid"] != items["three"]["pid"]


def test_what_there_is_no_time_for_is_left(part, record, tmp_path):
    run(part, record, tmp_path, ["one", "hang", "two"], seconds=2.3)
    assert record.left(part.name, ["one", "hang", "two"]) == ["two", "hang"]


def test_a_batch_goes_on_after_the_item_that_ended_its_process(part, record, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["gpu_day.made_up"], "batches", lambda left: [left] if left else [], raising=False)
    states = run(part, record, tmp_path, ["one", "crash", "two"])
    assert states == {"one": "done", "crash": "failed", "two": "done"}


# ------------------------------------------------------------------------------------------------- tests of the suite


def test_a_file_that_was_cut_off_goes_on_after_its_finished_functions():
    from gpu_day.suite import FileResult

    result = FileResult.of({})
    result.wanted = {
        "tests/test_x.py::test_a[cuda-1]",
        "tests/test_x.py::test_a[cuda-2]",
        "tests/test_x.py::test_b[cuda]",
    }
    for test, outcome in (("test_a[cuda-1]", "passed"), ("test_a[cuda-2]", "skipped")):
        result.add({"test": f"tests/test_x.py::{test}", "outcome": outcome})
    found = result.found()
    assert (found["functions"], found["counts"], found["left"]) == (["test_a"], (1, 1), 1)
    assert result.verdict("cut off") == ("begun", "cut off")

    again = FileResult.of(json.loads(json.dumps(found)))
    again.wanted = {"tests/test_x.py::test_b[cuda]"}
    again.add({"test": "tests/test_x.py::test_b[cuda]", "outcome": "passed"})
    assert (again.found()["passed"], again.found()["skipped"]) == (2, 1)
    assert again.verdict("exit code 0") == ("done", "")


def test_functions_with_a_failing_test_are_done_again():
    from gpu_day.suite import FileResult

    result = FileResult.of({})
    result.wanted = {"tests/test_x.py::test_a[cuda-1]", "tests/test_x.py::test_a[cuda-2]"}
    result.add({"test": "tests/test_x.py::test_a[cuda-1]", "outcome": "passed"})
    result.add({"test": "tests/test_x.py::test_a[cuda-2]", "outcome": "failed"})
    assert result.verdict("exit code 1") == ("failed", "1 tests failed")
    assert (result.found()["functions"], result.found()["passed"], result.found()["counts"]) == ([], 1, (0, 0))


def test_the_files_of_the_suite_are_those_with_the_fixture_and_the_first_are_there():
    from gpu_day.common import Options
    from gpu_day.suite import FIRST, items

    names = items(Options())
    assert names[: len(FIRST)] == list(FIRST)
    assert "kernels/test_sanitizers.py" not in names


# --------------------------------------------------------------------------------------------------- what tools print


MEMCHECK = """========= COMPUTE-SANITIZER
done: resample
========= Invalid __global__ read of size 1 bytes
=========     at footprint+0x1a0 in footprint.cu:12
done: footprint
skipped: winding
done: winding
"""


def test_a_sanitizers_finding_is_that_of_the_call_in_which_it_was_printed():
    from gpu_day.sanitize import verdicts

    calls = ["resample", "footprint", "winding", "rules"]
    found = verdicts("memcheck", calls, MEMCHECK, "cut off")
    assert [state for _, state, _ in found] == ["done", "failed", "skipped", "begun"]
    assert found[1][2] == {"why": "Invalid __global__ read of size 1 bytes", "problems": 1}


def test_errors_that_are_only_in_the_sanitizers_summary_count():
    from gpu_day.sanitize import verdicts

    text = "========= COMPUTE-SANITIZER\ndone: rules\n========= ERROR SUMMARY: 2 errors\n"
    assert verdicts("memcheck", ["rules"], text, "exit code 0")[0][1] == "failed"


def test_a_tool_that_does_not_work_here_says_why():
    from gpu_day.sanitize import verdicts

    text = "========= COMPUTE-SANITIZER\n========= Error: Device not supported. Please refer to the documentation.\n"
    ((_, state, found),) = verdicts("racecheck", ["rules"], text, "exit code 1")
    assert (state, found["why"].partition(".")[0]) == ("failed", "Error: Device not supported")


def test_metrics_are_read_from_between_what_else_is_printed():
    from gpu_day.counters import metrics_of

    text = (
        '==PROF== Connected\n"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"\n'
        '"0","resample","Registers Per Thread","register/thread","64"\n"0","resample","Other","","1"\n'
    )
    assert metrics_of(text) == {"Registers Per Thread": "64 register/thread"}
    assert metrics_of("==ERROR== no permission\n") == {}


# -------------------------------------------------------------------------------------------------- bits, and the page


def test_arrays_with_the_same_values_and_other_bits_differ():
    from gpu_day.common import difference

    one, other = np.array([np.nan, 1.0]), np.array([-np.nan, 1.0])
    assert difference(one, one.copy()) is None
    assert difference(one, other) == "1 of 2 values differ, first at [0]: only the bits of NaN"
    assert difference(one, one.astype("f4")) == "float64 of (2,), not float32 of (2,)"


def test_a_number_gives_the_same_random_call_each_time():
    from gpu_day.draws import GROUPS, draw

    for number in range(len(GROUPS), 2 * len(GROUPS)):
        group, call = draw(number)
        assert group == GROUPS[number % len(GROUPS)]
        first, second = call("numpy"), draw(number)[1]("numpy")
        assert all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(first, second, strict=True))


def test_the_page_has_shares_peers_what_failed_and_what_did_not_run(record):
    from gpu_day.page import page, readme_table, speed_table

    record.put("identity", "copy bandwidth", "done", bytes_per_second=2e12)
    record.put("smoke", "resample", "done", kernels=["resample", "footprint"])
    kernels = {"resample": {"launches": 1, "seconds": 1e-3, "bytes": 10**9}}
    case = "nearest, uint8, full grid"
    record.put("speed", case, "done", size=1000, pixels=10**6, seconds=2e-3, wall=3e-3, bytes=10**9, kernels=kernels)
    record.put(
        "speed", f"{case}; peers", "done", pixels=10**6, seconds={"torch grid_sample, float32": 4e-3}, why_peers={}
    )
    record.put("suite", "test_laws.py", "failed", why="1 tests failed", failed=["test_laws.py::a"], passed=3, skipped=0)
    record.put("sanitize", "memcheck: rules", "skipped", why="no compute-sanitizer")
    text = page(record.found)
    assert f"| {case} | 1000 | 2000.0 | 25 % | 4000.0 |  | resample 1000.0 (50 %) |" in text
    assert "tests: 3 passed, 1 failed" in text
    assert "test_laws.py::a" in text
    assert "* sanitize, memcheck: rules: not run: no compute-sanitizer" in text
    assert "kernels that did not run: " in text
    assert f"| {case} | 1000 | 2000.0 | 25 % | 4000.0 |  |" in speed_table(record.found)
    assert f"| {case} | 2000.0 | 4000.0 |  |" in readme_table(record.found)


def test_the_page_says_what_a_pixel_is_where_images_become_smaller(record):
    from gpu_day.common import Options
    from gpu_day.page import speed_table
    from gpu_day.speed import cases

    name = "mode, 6 classes of uint8, 6 times smaller"
    case = cases(Options())[name]
    record.put("speed", name, "done", size=case.size, pixels=case.pixels, seconds=1e-3, wall=1e-3, bytes=1)
    text = speed_table(record.found)
    assert f"| {name} | 12288 | 238.4 |" in text
    assert "Images that become smaller" in text


def test_an_empty_page_is_a_page(record):
    from gpu_day.page import page

    assert page(record.found).startswith("# NVIDIA Card 1")


def test_results_that_are_odd_do_not_stop_the_page(record):
    from gpu_day.page import page

    record.put("speed", "cubic", "done", wall=1.0)
    record.put("smoke", "rules", "failed", why="2 values differ")
    assert "not shown: KeyError" in page(record.found)
    assert "2 values differ" in page(record.found)


def test_names_of_files_come_from_the_card():
    from gpu_day.record import file_name

    assert file_name("NVIDIA H100 80GB HBM3") == "h100-80gb-hbm3"
