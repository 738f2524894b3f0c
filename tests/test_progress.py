"""Progress: a bar where a terminal is there, silence where none is, and the same to those who do the work."""

import io

import pytest

from relinkage.progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "shown"), [(Terminal, True), (io.StringIO, False)])
def test_progress_is_shown_on_a_terminal_alone(monkeypatch, stream, shown):
    said = stream()
    monkeypatch.setattr("sys.stderr", said)
    with progress(4, "linking", "queries", done=1) as bar:
        bar.update(2)
        bar.update()
        assert bar.n == (4 if shown else 0)
    bar = progress(4, "linking", "queries")
    bar.close()
    assert ("linking" in said.getvalue()) == shown
