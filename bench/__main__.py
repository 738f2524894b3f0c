"""Everything that is measured, in one command: `make bench`, or `python -m bench`.

Runs every section in a process of its own, shows its table and writes docs/benchmarks.md. `--only` runs
some; `--quick` tries them on tiny sizes, whose figures mean nothing and are written nowhere unless `--page`
says where.
"""

import argparse
import datetime
import sys
from pathlib import Path

from bench.machine import machine, versions
from bench.page import section_text, write_page
from bench.planting import described, planted
from bench.product import bare_product, bare_strips
from bench.sections import SECTIONS
from bench.timing import interleaved

__all__ = ["bare_product", "bare_strips", "described", "interleaved", "planted"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [section.name for section in SECTIONS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="SECTION",
                        help=f"Sections to run: {', '.join(names)}.")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="Tiny sizes, to see that it works.")
    parser.add_argument("--page", type=Path, help="Where to write; docs/benchmarks.md where not given.")
    options = parser.parse_args()
    page = options.page or (None if options.quick else PAGE)
    run = f"{datetime.date.today():%d %B %Y}, {machine()}; {versions()}."
    print(run, flush=True)
    failed = []
    for section in SECTIONS:
        if section.name not in options.only or not section.there:
            continue
        print(f"\n{section.title}", flush=True)
        try:
            text = section_text(section.title, section.explanation(), section.run(quick=options.quick), run)
        except RuntimeError as failure:
            failed.append(str(failure))
            continue
        if page is not None:  # after each, so that a run that is stopped keeps what it has
            write_page(page, {section.title: text})
    if failed:
        sys.exit(" ".join(failed))


if __name__ == "__main__":
    main()
