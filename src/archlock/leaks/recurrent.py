"""A recurrent network with the loss of connectionist temporal classification, as the published attack has it.

DeepSniffer (Hu et al., ASPLOS 2020): one LSTM of 128 units on a trace, CTC (Graves et al., ICML 2006), greedy decoding.
Deviations: both directions, each column normalised by itself over the training set (published: all columns by one mean
and deviation, which crushes times under bytes), several networks in a step, steps of a falling rate, and no feature
that is made from the labels (the newer published predictor has one). It reads kinds alone, no kernels and strides
beyond them.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from archlock.leaks.features import windowed
from archlock.leaks.observation import Observation
from archlock.leaks.operators import OPERATORS
from archlock.leaks.reader import FittedReader, Lesson, Read, Reader, Reading
from archlock.leaks.scores import edit_error

UNITS: Final = 64
TOGETHER: Final = 16
EPOCHS: Final = 60
RATE: Final = 1e-2
STRETCH: Final = 2
"""Steps for a row, so that repeated kinds, between which CTC needs a blank, and unseen operators have room."""


class Recurrent(Reader):
    """See the module."""

    name = "recurrent"
    summary = "a bidirectional LSTM with the CTC loss"
    paper = "Hu et al. 2020"

    def __init__(self, epochs: int = EPOCHS) -> None:
        self.epochs = epochs

    def fit(self, lessons: Sequence[Lesson], *, seed: int) -> FittedReader:
        """See :meth:`Reader.fit`."""
        rows = [windowed(lesson.observation) for lesson in lessons]
        every = np.concatenate(rows)
        scale = (every.mean(0), every.std(0) + 1e-6)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            network = _Network(rows[0].shape[1])
            inputs = [_input(row, scale) for row in rows]
            wanted = [torch.tensor([1 + OPERATORS.index(o.kind) for o in lesson.operators]) for lesson in lessons]
            _descend(network, inputs, wanted, self.epochs)
        fitted = _Fitted(network.eval(), scale)
        read = [fitted.read(lesson.observation).kinds for lesson in lessons]
        errors = [
            edit_error(kinds, tuple(one.kind for one in lesson.operators))
            for kinds, lesson in zip(read, lessons, strict=True)
        ]
        fitted.training_accuracy = 1 - float(np.mean(errors))
        return fitted


class _Network(nn.Module):
    def __init__(self, columns: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(columns, UNITS, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * UNITS, 1 + len(OPERATORS))

    def forward(self, rows: Tensor) -> Tensor:
        """Log-probabilities of blank and kinds: N x steps x (1 + kinds)."""
        hidden = self.lstm(rows)[0]
        answer: Tensor = self.head(hidden).log_softmax(-1)
        return answer


class _Fitted(FittedReader):
    def __init__(self, network: _Network, scale: tuple[np.ndarray, np.ndarray]) -> None:
        self.network, self.scale = network, scale

    def read(self, observation: Observation) -> Reading:
        """See :meth:`FittedReader.read`; what is read in a row is what its steps say first."""
        with torch.no_grad():
            best = self.network(_input(windowed(observation), self.scale)[None])[0].argmax(-1).tolist()
        read, before = [], 0
        for step in best:
            if step not in (0, before):
                read.append(Read((OPERATORS[step - 1],)))
            before = step
        return Reading(tuple(read))


def _input(rows: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> Tensor:
    """Each row several times, with a mark that says which time it is."""
    values = np.repeat((rows - scale[0]) / scale[1], STRETCH, 0).clip(-5, 5)
    values[:, 0] += np.tile(np.arange(STRETCH) * 0.5, len(rows))
    return torch.from_numpy(values.astype(np.float32))


def _descend(network: _Network, inputs: Sequence[Tensor], wanted: Sequence[Tensor], epochs: int) -> None:
    loss_of = nn.CTCLoss(zero_infinity=True)
    steps = epochs * -(-len(inputs) // TOGETHER)
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(epochs):
        order = torch.randperm(len(inputs)).tolist()
        for first in range(0, len(order), TOGETHER):
            some = order[first : first + TOGETHER]
            answers = network(pad_sequence([inputs[i] for i in some], batch_first=True)).transpose(0, 1)
            lengths = torch.tensor([len(inputs[i]) for i in some])
            loss = loss_of(
                answers, torch.cat([wanted[i] for i in some]), lengths, torch.tensor([len(wanted[i]) for i in some])
            )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
