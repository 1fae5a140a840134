"""Multinomial logistic regression as a head (scikit-learn, L-BFGS), for any number of classes that are there."""

import warnings
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError

Head = tuple[Float[np.ndarray, "outputs features"], Float[np.ndarray, " outputs"]]
"""Weights and biases: logits are weights x features + biases."""

ABSENT: Final = -1e4
"""Bias of a class without examples, which never wins."""


def logistic_head(
    features: Float[np.ndarray, "examples features"], labels: np.ndarray, outputs: int, strength: float
) -> Head:
    """Weights and biases of all outputs; a class without examples gets a bias that never wins.

    ``strength`` is the inverse of the regularisation (scikit-learn's C); one that is not above 0 raises
    :class:`~archlock.errors.ConfigurationError`.
    """
    check_strength(strength)
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    weight, bias = np.zeros((outputs, features.shape[1])), np.full(outputs, ABSENT)
    present = np.unique(labels)
    if len(present) == 1:
        bias[present] = 0
        return weight, bias
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 steps are plenty for an argmax
        warnings.filterwarnings("ignore", "The number of unique classes")  # many classes, few examples: so be it
        fitted = LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(features, labels)
    if len(present) == 2:
        weight[present] = np.concatenate([-fitted.coef_, fitted.coef_]) / 2
        bias[present] = np.concatenate([-fitted.intercept_, fitted.intercept_]) / 2
    else:
        weight[present], bias[present] = fitted.coef_, fitted.intercept_
    return weight, bias


def check_strength(strength: float) -> None:
    """One that is not above 0 raises :class:`~archlock.errors.ConfigurationError`."""
    if not strength > 0:
        raise ConfigurationError(f"the strength of a head is the inverse of a penalty and above 0; got {strength:g}")
