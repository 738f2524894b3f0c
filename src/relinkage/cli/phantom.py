"""`relinkage phantom`: a phantom cohort."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.options import command
from relinkage.cohorts.phantom.settings import PhantomSettings, check_phantom
from relinkage.options import Option, Settings


class PhantomOutput(Settings, frozen=True):
    """Where a phantom cohort goes.

    Attributes:
        out: Folder to write.
    """

    out: Annotated[Path, Option(argument=True, metavar="OUT")]


@command("phantom", output=PhantomOutput, settings=PhantomSettings)
def phantom(output: PhantomOutput, settings: PhantomSettings) -> None:
    """Draw a phantom cohort: chest radiographs and reports from a seeded scene."""
    check_phantom(output.out)

    from relinkage.cohorts.phantom import SITES, phantom_cohort
    from relinkage.progress import say

    site = SITES[settings.site]
    cohort = phantom_cohort(output.out, pairs=settings.pairs, seed=settings.seed, site=site)
    say(f"{output.out}: {len(cohort)} pairs, {cohort.studies} studies, {cohort.patients} patients")
