"""What must stay useful: linear probes, clinical retrieval, zero-shot labels, the shape of the space."""

from relinkage.utility.benchmark import Benchmark, FrontierPoint, Measured
from relinkage.utility.prompts import Prompt, public_prompts, read_prompts
from relinkage.utility.result import SCHEMA, utility_result
from relinkage.utility.settings import UtilitySettings

__all__ = [
    "SCHEMA",
    "Benchmark",
    "FrontierPoint",
    "Measured",
    "Prompt",
    "UtilitySettings",
    "public_prompts",
    "read_prompts",
    "utility_result",
]
