"""Write an attacker of your own, and hold it against those that come along."""

import numpy as np

import relinkage as rl


class Rescaled(rl.Attacker):
    """Divide each dimension by its spread among the pairs that the attacker knows."""

    needs_pairs = True

    def fit(self, images, reports, patient):
        self.spread = images.std(axis=0), reports.std(axis=0)

    def transform(self, images, reports):
        return images / self.spread[0], reports / self.spread[1]


random = np.random.default_rng(0)
scale = np.geomspace(0.1, 10, 16)
findings = random.normal(size=(1200, 16))
images, reports = (scale * (findings + 0.6 * random.normal(size=findings.shape)) for _ in range(2))

attack = rl.attack(
    images[200:],
    reports[200:],
    auxiliary=(images[:200], reports[:200]),
    attackers=["cosine", "cca", Rescaled()],
    pool=[100],
    k=1,
)
print(attack)
print("At least:", attack.at_least)
print("At most:", attack.at_most)
