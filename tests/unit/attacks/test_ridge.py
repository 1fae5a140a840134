import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

from archlock.attacks import ATTACKS
from archlock.errors import ConfigurationError
from archlock.models import features_before_head
from archlock.testing.attacks import PLAN, target_task, trained_network
from archlock.testing.small_tasks import small_negatives
from archlock.training import batch_of

ATTACK = ATTACKS["ridge"]


def test_it_answers_as_the_ridge_regression_of_scikit_learn_on_standardised_features():
    model, task = trained_network(), target_task()
    adapted = ATTACK.adapt(model, task, setting=10.0, plan=PLAN, seed=0, device="cpu").model
    known, asked = (features_before_head(model, batch_of(split).images).numpy() for split in (task.train, task.test))
    scaler = StandardScaler().fit(known)
    regression = RidgeClassifier(alpha=len(known) / 10.0).fit(scaler.transform(known), task.train.targets)
    with torch.no_grad():
        answers = adapted(batch_of(task.test).images).numpy()
    # (theirs has targets of -1 and 1)
    np.testing.assert_allclose(2 * answers - 1, regression.decision_function(scaler.transform(asked)), atol=1e-4)


def test_a_dense_target_is_gained_as_well():
    assert ATTACK.run(trained_network(), small_negatives(), plan=PLAN, seed=0).test > 0.2


def test_a_strength_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match="above 0; got -1"):
        ATTACK.run(trained_network(), target_task(), plan=PLAN, settings=(-1.0,), seed=0)
