"""Maps by formula, and what pysaliency 0.2.22 and Quantus 0.6.0 say of them.

The numbers were made with NumPy 2.3.5 (pysaliency's AUC fails from 2.4 on) in an environment of
its own, by

    from pysaliency import Fixations, Model, SaliencyMapModel, Stimuli, metrics
    CC  = metrics.CC(map, human)          SIM = metrics.SIM(map, human)
    KL  = metrics.MIT_KLDiv(map, human)   NSS = metrics.NSS(map, xs, ys).mean()
    where xs, ys repeat a cell as often as COUNTS says;
    AUC_JUDD = SaliencyMapModel.AUC_per_image(stimuli, each cell once, nonfixations="unfixated")
    SHUFFLED_AUC = SaliencyMapModel.AUC_per_image(stimuli, fixations, nonfixations="shuffled")
    INFORMATION_GAIN = Model.information_gains(stimuli, fixations, prior model), mean by image,
    where the models' log densities are those of MAPS and PRIOR, divided by their sums;

    quantus.RelevanceMassAccuracy, RelevanceRankAccuracy, TopKIntersection(k=20) and AUC, each with
    abs=False, normalise=False, .evaluate_batch(a_batch=MAPS[:, None], s_batch=MASKS[:, None]).
"""

import numpy as np

image, row, col = np.mgrid[:4, :9, :12]
MAPS = 2.1 + np.sin(1.7 * row + 0.9 * col * (image + 1)) + np.cos(0.8 * row * col + image)
HUMAN = np.maximum(np.cos((row - 4) / 3) * np.cos((col - 3 - image) / 4), 0)
MASKS = HUMAN > 0.5
COUNTS = ((7 * row + 5 * col + 3 * image) % 11 == 0) * (1 + (row + col) % 3)
PRIOR = HUMAN.mean(0) + 0.01

PYSALIENCY = {
    "CC": [-0.171616076, -0.079397779, 0.1806774466, 0.2690297962],
    "SIM": [0.5664588411, 0.6413507275, 0.7099148362, 0.7068186321],
    "KL": [0.6659821516, 0.457420022, 0.327904398, 0.3382447763],
    "NSS": [-0.1634224713, -0.2942042738, -0.0147502008, -0.1290254188],
    "AUC_JUDD": [0.4071428571, 0.3714927048, 0.5040816327, 0.4714285714],
    "SHUFFLED_AUC": [0.4901477833, 0.4126984127, 0.4966101695, 0.4066985646],
    "INFORMATION_GAIN": [0.3081405337, -0.3438687663, 0.2727941458, 0.0536518989],
}
QUANTUS = {
    "mass": [0.3545847742, 0.4181043226, 0.4855843684, 0.4834635805],
    "rank": [0.2954545455, 0.4042553191, 0.5531914894, 0.4893617021],
    "top 20": [0.3, 0.4, 0.6, 0.65],
    "AUC": [0.3625710227, 0.4429717475, 0.6292291594, 0.5901639344],
}
