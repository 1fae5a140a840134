import numpy as np
import pytest

from archlock.search.policy import PARTS, Episode, Policy, Step

RNG = np.random.default_rng(0)
STATE = np.array([1.0, 0.0, 1.0])
ARMS = np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])


def episode(chosen, reward):
    return Episode((Step(STATE, ARMS, chosen), Step(ARMS[chosen], ARMS[::-1].copy(), 1)), ARMS[chosen], reward)


def lively():
    policy = Policy(3, np.random.default_rng(1), units=4)
    for name in PARTS:
        policy.weights[name] = np.random.default_rng(2).standard_normal(policy.weights[name].shape)
    return policy


def loss(policy, episodes, advantages, entropy):
    total = 0.0
    for one, advantage in zip(episodes, advantages, strict=True):
        for step in one.steps:
            chances = policy.chances(step.state, step.options)
            total -= advantage * np.log(chances[step.chosen]) - entropy * float(chances @ np.log(chances))
        total += (float(policy.values(one.end[None])[0]) - one.reward) ** 2
    return total / len(episodes)


def test_gradients_are_those_of_the_loss():
    policy, episodes, advantages = lively(), (episode(0, 0.3), episode(1, 0.9)), np.array([0.7, -1.2])
    found = policy.gradients(episodes, advantages, entropy=0.1)
    for name in PARTS:
        weights = policy.weights[name]
        for place in np.ndindex(weights.shape):
            kept, moved = weights[place], []
            for change in (1e-5, -1e-5):
                weights[place] = kept + change
                moved.append(loss(policy, episodes, advantages, 0.1))
            weights[place] = kept
            assert found[name][place] == pytest.approx((moved[0] - moved[1]) / 2e-5, abs=1e-7), (name, place)


def test_a_two_armed_bandit_is_learned():
    """The better arm pays 1 and the other 0: the policy ends at the better one, the value at what it pays."""
    policy = Policy(3, np.random.default_rng(0), rate=0.05)
    assert policy.chances(STATE, ARMS).tolist() == [0.5, 0.5]
    rng = np.random.default_rng(1)
    for _ in range(150):
        arms = [int(rng.choice(2, p=policy.chances(STATE, ARMS))) for _ in range(8)]
        episodes = tuple(Episode((Step(STATE, ARMS, arm),), ARMS[arm], float(arm)) for arm in arms)
        surprise = np.array([one.reward for one in episodes]) - policy.values(np.stack([one.end for one in episodes]))
        policy.step(policy.gradients(episodes, surprise - surprise.mean(), entropy=0.0))
    assert policy.chances(STATE, ARMS)[1] > 0.95
    assert policy.values(ARMS[1:])[0] == pytest.approx(1.0, abs=0.05)


def test_without_surprise_nothing_changes():
    policy = Policy(3, np.random.default_rng(0))
    before = {name: weight.copy() for name, weight in policy.weights.items()}
    policy.step(policy.gradients((episode(0, 0.0), episode(1, 0.0)), np.zeros(2), entropy=0.0))
    assert all(np.array_equal(policy.weights[name], before[name]) for name in PARTS)
