"""Log retrieval metrics while a model trains: one exact pass, no intervals."""

import torch

import relinkage as rl

torch.manual_seed(0)
images, reports = torch.randn(512, 24), torch.randn(512, 24)
reports[:, :12] = images[:, :12]
head = torch.nn.Linear(24, 8)
optimiser = torch.optim.Adam(head.parameters(), lr=0.01)

for step in range(3):
    logits = head(images) @ head(reports).T
    loss = torch.nn.functional.cross_entropy(logits, torch.arange(512))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    metrics = rl.metrics(head(images), head(reports), k=[1, 10])
    print(step, {name: round(value, 3) for name, value in metrics.items()})
