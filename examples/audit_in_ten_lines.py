"""Audit two arrays: how often does an image find its report?"""

import numpy as np

import relinkage as rl

random = np.random.default_rng(0)
images = random.normal(size=(1000, 32))  # yours: np.load("images.npy"), a torch tensor, a memory map, …
reports = images + 1.5 * random.normal(size=images.shape)
pairs = rl.Pairs(patient=np.arange(1000) // 2)

audit = rl.audit(images, reports, pairs, pool=[100, "full"], k=[1, 10])
print(audit)
print("Recall@1 among 100 reports:", audit.recall(k=1, pool=100))
