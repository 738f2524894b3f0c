"""Where a phantom patient is examined: how images are taken there, who comes, and who reads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """The parameters in which two hospitals differ.

    Attributes:
        name: what the site is called.
        stream: sets its patients apart from those of other sites under the same seed.
        sickness: multiplies the prevalence of acute findings and devices.
        inpatients: share of patients who are in hospital: more findings, devices and studies each.
        lateral: share of standing (PA) studies that come with a lateral view.
        template: how often a study without anything to say gets its reader's template normal, word for word.
        readers: the radiologists who read there, by their number in `reporting.READERS`.
        noise: standard deviation of the detector noise, as a share of the grey range.
        exposure: mean and spread of the exposure, as a factor on the grey value.
        gamma: mean and spread of the display curve's exponent.
        marker: where the side marker stands, as (x, y) of a frontal image running from −1 to 1.
    """

    name: str
    stream: int
    sickness: float
    inpatients: float
    lateral: float
    template: float
    readers: tuple[int, ...]
    noise: float
    exposure: tuple[float, float]
    gamma: tuple[float, float]
    marker: tuple[float, float]


CITY = Site(
    name="city",
    stream=0,
    sickness=1.0,
    inpatients=0.45,
    lateral=0.4,
    template=0.7,
    readers=(0, 1, 2, 3),
    noise=0.025,
    exposure=(1.0, 0.06),
    gamma=(1.0, 0.10),
    marker=(0.86, -0.84),
)
"""A teaching hospital; the phantom encoders are trained on other patients of this site."""

COUNTY = Site(
    name="county",
    stream=1,
    sickness=0.7,
    inpatients=0.25,
    lateral=0.6,
    template=0.75,
    readers=(1, 3, 4),
    noise=0.045,
    exposure=(0.92, 0.09),
    gamma=(1.18, 0.12),
    marker=(0.80, -0.55),
)
"""A smaller hospital that no phantom encoder has seen: noisier, darker, healthier, other readers."""

SITES = {site.name: site for site in (CITY, COUNTY)}
"""The sites by name."""
