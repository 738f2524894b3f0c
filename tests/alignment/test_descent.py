"""Learning rates are those of torch's one cycle; a step is AdamW's."""

import numpy as np
import pytest
import torch

from relinkage.alignment import AlignSettings
from relinkage.alignment.descent import Descent, learning_rates
from relinkage.alignment.features import StandardFeatures


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11, 15, 20, 333, 1000])
def test_learning_rates_are_those_of_one_cycle(steps):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=steps, pct_start=0.1 if steps > 10 else 0.0, cycle_momentum=False
    )
    expected = []
    for _ in range(steps):
        expected.append(schedule.get_last_lr()[0])
        optimiser.step()
        if len(expected) < steps:
            schedule.step()
    np.testing.assert_allclose(learning_rates(3e-3, steps), expected, rtol=1e-9)


@pytest.mark.slow
def test_a_step_is_adamws():
    random = np.random.default_rng(0)
    features, pull = random.normal(size=(6, 3)).astype(np.float32), torch.randn(6, 2)
    settings = AlignSettings(lr=0.1, weight_decay=0.3)
    ours, theirs = (torch.nn.Linear(3, 2) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    standard = StandardFeatures.of(features, np.arange(6))
    descent = Descent(ours, standard, [*ours.parameters()], settings, 20)
    optimiser = torch.optim.AdamW(theirs.parameters(), lr=0.1, weight_decay=0.3)
    rows = torch.arange(6)
    for rate in learning_rates(0.1, 20)[:3]:
        descent.step(descent.embed(rows), pull)
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        torch.autograd.backward(theirs(standard.batch(rows.numpy())), pull)
        optimiser.step()
        torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
