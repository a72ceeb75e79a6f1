"""The tables of speed are made of the figures that are kept in bench/results."""

import json

import pytest
from checkout import DOCS, ROOT
from pages import README

BENCH = ROOT / "bench"
CPU, GPU = BENCH / "results" / "epyc-avx2-one-core.json", BENCH / "results" / "h200.json"

pytestmark = pytest.mark.skipif(not BENCH.is_dir(), reason="not in a checkout")


@pytest.fixture(autouse=True)
def found_in_bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))


def between(page, name):
    """Return what a page has between the comments of a table."""
    return page.read_text().partition(f"<!-- {name} -->\n\n")[2].partition(f"\n<!-- /{name} -->")[0]


def test_the_tables_of_the_cpu_are_made_of_the_figures_that_are_kept():
    import tables
    from cases import all_cases

    found, cases = json.loads(CPU.read_text()), all_cases()
    if not set(found["seconds"]) <= set(cases):
        pytest.skip("a case of the table needs a module that is not there")
    assert between(README, "bench") == tables.short(found, cases)
    assert between(DOCS / "speed.md", "bench") == tables.full(found, cases) == CPU.with_suffix(".md").read_text()


def test_the_tables_of_the_gpu_are_made_of_the_figures_that_are_kept():
    from gpu_day.page import readme_table, speed_table

    found = json.loads(GPU.read_text())
    assert between(README, "bench gpu") == readme_table(found)
    assert between(DOCS / "speed.md", "bench gpu") == speed_table(found)


def test_what_is_measured_on_one_thread_has_a_table_of_its_own():
    import tables
    from cases import ARRAYS, SMALLER

    one, two, shares = "average, uint16, 6 times smaller", "linear, float32, full grid", next(reversed(SMALLER))
    seconds = {
        two: {"gpumask native, 2 threads": 4e-3, "GDAL warp, 2 threads": 8e-3},
        one: {"gpumask native, 1 thread": 1e-3, "GDAL warp, 1 thread": 3e-3},
        shares: {"gpumask native, 1 thread": 4e-3, "plain validity, 1 thread": 2e-3},
    }
    machine = {"cpu": "CPU", "cores": 2, "copy_bandwidth_host": 1e10}
    text = tables.full({"machine": machine, "seconds": seconds}, ARRAYS | SMALLER)
    first, second = text.split("\n\n")[:2]
    assert first.splitlines()[2:] == [f"| {two} | 1.0 (2.0) | 2.0 |"]
    assert second.splitlines()[2:] == [f"| {one} | 4.0 (3.0) | 12.0 |  |", f"| {shares} | 1.0 (0.5) |  | 0.5 |"]
    assert "of one thread" in text


def test_a_table_replaces_the_one_before_it_alone(tmp_path):
    import tables

    page = tmp_path / "page.md"
    page.write_text("a\n<!-- bench -->\nold\n<!-- /bench -->\nb\n")
    for text in ("first\n", "second\n"):
        tables.put(page, text, "bench")
        assert page.read_text() == f"a\n<!-- bench -->\n\n{text}\n<!-- /bench -->\nb\n"
    with pytest.raises(SystemExit, match="expected <!-- bench gpu -->"):
        tables.put(page, "none", "bench gpu")


def test_gpumask_is_compared_with_gridr_where_that_takes_part():
    import tables

    seconds = {"gpumask native, 1 thread": 1e-3, "GridR, 1 thread": 4e-3, "GDAL warp, 2 threads": 2e-3}
    assert tables.cell(seconds, "gpumask native, 1 thread", 10**6) == "1.0 (4.0)"
    assert tables.cell(seconds, "GridR, 1 thread", 10**6) == "4.0"
    assert tables.cell(seconds, "SciPy", 10**6) == ""
    del seconds["GridR, 1 thread"]
    assert tables.cell(seconds, "gpumask native, 1 thread", 10**6) == "1.0 (2.0)"
