"""The engine that runs wherever torch and numba do: single-precision tiles, counted while in cache."""

import threading

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines import tiles
from relinkage.linkage.engines.bands import bands, half_width
from relinkage.linkage.engines.centred import centre
from relinkage.linkage.engines.question import Question, Tally
from relinkage.linkage.engines.sweep import Count, sweep


class Portable:
    """Matrix products by torch in float32, counted by compiled loops."""

    name = "cpu"

    def count(self, question: Question, *, threads: int | None = None) -> Tally:
        """Answer a question; see `Engine.count`."""
        a, b, mates = question.rows, question.columns, question.mates
        row_centre, column_centre = question.centres
        rows, columns = centre(a, row_centre, column_centre), centre(b, column_centre, row_centre)
        column_shift = columns.shift - row_centre @ column_centre
        low, high = bands(mates.score - rows.shift, half_width(rows, columns, column_shift))
        tally, own = Tally.zeros(question), [Tally.zeros(question)]
        arguments = (
            column_shift.astype(np.float32), low, high, question.starts, question.ends,
            a.given, a.inverse_norm, b.given, b.inverse_norm, b.identity,
            mates.place, mates.identity, mates.score, tally.above, tally.ties,
        )  # fmt: skip
        asking = question.column_mates
        if asking is None:

            def count(tile: NDArray[np.float32], row: int, column: int) -> None:
                tiles.count_rows(tile, row, column, *arguments)

            sweep(rows.values, columns.values, lambda: count, threads=threads)
            return tally

        column_low, column_high = bands(asking.score - column_shift, half_width(columns, rows, rows.shift))
        column_arguments = (
            rows.shift.astype(np.float32), column_low, column_high, a.identity,
            asking.place, asking.identity, asking.score,
        )  # fmt: skip
        turn = threading.Lock()

        def counter() -> Count:
            mine = Tally.zeros(question)  # columns are shared by the threads, rows are not
            with turn:
                own.append(mine)

            def count(tile: NDArray[np.float32], row: int, column: int) -> None:
                tiles.count_rows_and_columns(
                    tile, row, column, *arguments, *column_arguments, mine.column_above, mine.column_ties
                )

            return count

        sweep(rows.values, columns.values, counter, threads=threads)
        for part in own:
            tally.column_above[:] += part.column_above
            tally.column_ties[:] += part.column_ties
        return tally
