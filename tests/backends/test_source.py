"""The text of kernels: all that it is made of counts, and errors name the file and line."""

import pytest
from processes import needs_compiler

from gpumask import BackendError
from gpumask.backends import native, source


def test_a_changed_header_changes_the_source_that_names_the_binary(tmp_path, monkeypatch):
    for path in source.kernels_folder().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(source, "kernels_folder", lambda: tmp_path)
    before = source.kernel_source.__wrapped__("resample")
    weights = tmp_path / "weights.cuh"
    weights.write_text(weights.read_text().replace("1.5", "1.6"))
    after = source.kernel_source.__wrapped__("resample")
    assert source.variant_key(before) != source.variant_key(after)


@needs_compiler
def test_compiler_errors_name_the_kernel_file_and_line(tmp_path, monkeypatch):
    for path in source.kernels_folder().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = (tmp_path / "weights.cuh").read_text().splitlines()
    (tmp_path / "weights.cuh").write_text("\n".join([*lines, "this is no C++"]))
    monkeypatch.setattr(source, "kernels_folder", lambda: tmp_path)
    text = source.kernel_source.__wrapped__("footprint")
    with pytest.raises(BackendError, match=f"weights.cuh:{len(lines) + 1}:"):
        native._compile(["g++", "-x", "c++", "-DTAPS=2", "-fsyntax-only", "-"], text)
