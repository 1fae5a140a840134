"""LEEP with the clusters of the features in the place of source classes: for models without a source head as well.

Paper: Li, Jia, Sang, Zhu, Green, Wang, Gong, "Ranking Neural Checkpoints", CVPR 2021, section 4.
"""

import warnings

from archlock.errors import MeasurementError
from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features
from archlock.transferability.leep import expected_log_prediction
from archlock.transferability.principal import principal_components

ENERGY = 0.8
"""Share of the variance that the principal components keep, as published."""
COMPONENTS_FOR_EACH_CLASS = 5
"""Gaussians for each class, as published."""


class NLeep(Estimate):
    """LEEP of the responsibilities of a mixture of Gaussians, fitted to principal components of the features.

    The components are scaled to a total variance of 1 first, so that the guard that scikit-learn adds to every
    covariance (1e-6) does not depend on the unit of the features. Needs as many examples as Gaussians (five for each
    class that has examples); fewer raise MeasurementError. The seed says where the fit begins.
    """

    name = "n_leep"
    paper = "Li et al., Ranking Neural Checkpoints, CVPR 2021"
    unit = "nats per example"
    uses_chance = True

    def score(self, features: Features, *, seed: int) -> float:
        """One mixture, full covariances, at most 100 steps of expectation maximisation."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        gaussians = COMPONENTS_FOR_EACH_CLASS * len(features.present)
        if len(features) < gaussians:
            raise MeasurementError(
                f"{gaussians} Gaussians ({COMPONENTS_FOR_EACH_CLASS} for each class) need as many examples; got "
                f"{len(features)}"
            )
        components = principal_components(features.features, energy=ENERGY)
        components = components / components.var(0).sum() ** 0.5
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a mixture that still moves a little is good enough
            mixture = GaussianMixture(gaussians, random_state=seed).fit(components)
        return expected_log_prediction(mixture.predict_proba(components), features.places)
