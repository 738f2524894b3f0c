"""The library is built once where a compiler is, and its absence does no harm."""

import shutil

import pytest

from relinkage.errors import InputError
from relinkage.linkage.engines import ENGINES, choose, native
from relinkage.linkage.engines.native import building, choice, library
from relinkage.linkage.engines.native.engine import Native

needs_a_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler (cc)")


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """As on a machine where nothing has been built or chosen yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library.load.cache_clear()
    choice._kernel.cache_clear()
    yield tmp_path
    library.load.cache_clear()
    choice._kernel.cache_clear()


@pytest.mark.slow
@needs_a_compiler
def test_a_library_is_built_once_and_found_again(fresh, monkeypatch):
    path = building.library(("-O0",))
    assert path.parent == fresh / "relinkage"
    assert [item.name for item in path.parent.iterdir()] == [path.name]  # nothing half-built stays behind
    monkeypatch.setenv("PATH", "")
    assert building.library(("-O0",)) == path


def test_another_source_or_flag_is_another_library(monkeypatch, tmp_path):
    first = building.library_name()
    assert building.library_name(("-O0",)) != first
    (tmp_path / "count.c").write_text("int count;")
    monkeypatch.setattr(building, "FOLDER", tmp_path)
    assert building.library_name() != first


@pytest.mark.parametrize("trouble", ["no compiler", "a compiler that fails", "no place to write to"])
def test_without_a_library_auto_is_the_portable_engine_and_native_says_why(fresh, monkeypatch, trouble):
    if trouble == "no compiler":
        monkeypatch.setenv("CC", "no-such-compiler")
    elif trouble == "a compiler that fails":
        monkeypatch.setenv("CC", "false")
    else:
        (fresh / "relinkage").write_text("a file where the folder should be")
    assert choose("auto").name == "cpu"
    with pytest.raises(InputError, match=r"engine native cannot run here, as .*; use engine cpu\.$"):
        choose("native")


@needs_a_compiler
def test_what_cannot_be_loaded_is_as_good_as_absent(fresh):
    broken = fresh / "relinkage" / building.library_name()
    broken.parent.mkdir()
    broken.write_bytes(b"not a library")
    assert choose("auto").name == "cpu"


@pytest.mark.slow
def test_a_product_that_counts_wrongly_is_not_used(fresh, monkeypatch):
    try:
        library.load()
    except building.BuildError as reason:
        pytest.skip(f"the native library cannot be built: {reason}")
    monkeypatch.setattr(choice, "counts_rightly", lambda engine: False)
    with pytest.raises(native.UnavailableError, match="AVX2"):
        native.best()


@needs_a_compiler
@pytest.mark.parametrize("kernel", library.KERNELS)
def test_the_check_before_use_passes_for_every_kernel_and_sees_a_wrong_count(kernel):
    class Wrong(Native):
        def count(self, question, *, threads=None):
            tally = super().count(question, threads=threads)
            tally.above[0, 7] += 1
            return tally

    assert choice.counts_rightly(Native(kernel, emulated=True))
    assert not choice.counts_rightly(Wrong(kernel, emulated=True))


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match="engine abacus is not known; give auto, cpu, native"):
        choose("abacus")
    assert set(ENGINES) >= {"auto", "cpu", "native"}
