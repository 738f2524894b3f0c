"""Images that belong together are added up: more of them link more."""

import numpy as np

import relinkage as rl

STUDIES, IMAGES = 150, 4


def drawn():
    random = np.random.default_rng(0)
    reports = random.normal(size=(STUDIES, 10))
    of = np.repeat(np.arange(STUDIES), IMAGES)
    images = reports[of] + 2.5 * random.normal(size=(len(of), 10))
    # Two studies a patient.
    pairs = rl.Pairs(study=[f"s{row}" for row in of], patient=[f"p{row // 2}" for row in of])
    return images, reports[of], pairs


def recall(together, attackers="cosine"):
    made = rl.attack(*drawn(), attackers=attackers, together=together, pool=["full"], k=1, replicates=200)
    return made[attackers]


def test_the_images_of_a_study_score_the_sum_of_their_cosines():
    images, reports, _ = drawn()
    unit = images / np.linalg.norm(images, axis=1, keepdims=True)
    texts = reports[::IMAGES] / np.linalg.norm(reports[::IMAGES], axis=1, keepdims=True)
    scores = (unit @ texts.T).reshape(STUDIES, IMAGES, STUDIES).sum(axis=1)
    expected = (scores.argmax(axis=1) == np.arange(STUDIES)).mean()
    made = recall("study")
    assert made.recall().value == np.float64(expected)
    assert made.result.attacker.together == "study"
    assert made.recall().value > 1.5 * recall("image").recall().value
    assert recall("image").result.attacker.together == "image"


def test_those_of_a_patient_mix_two_studies():
    alone, study, patient = (recall(which).recall().value for which in ("image", "study", "patient"))
    assert alone < patient < study


def test_other_attackers_add_up_too():
    assert recall("study", "csls").recall().value > 1.5 * recall("image", "csls").recall().value
