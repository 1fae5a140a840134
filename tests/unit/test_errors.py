import inspect
import pickle

import pytest

from archlock import errors
from archlock.errors import ArchLockError, ConfigurationError, TaskError, UnknownNameError

MEMBERS = [member for _, member in inspect.getmembers(errors, inspect.isclass) if member is not ArchLockError]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.__name__)
def test_every_error_is_of_the_tree_and_travels_between_processes(member):
    assert issubclass(member, ArchLockError)
    error = member("space", "darts", ("nasbench201", "mine")) if member is UnknownNameError else member("expected so")
    travelled = pickle.loads(pickle.dumps(error))
    assert type(travelled) is member
    assert str(travelled) == str(error)
    assert vars(travelled) == vars(error)


def test_words_and_exit_codes():
    error = UnknownNameError("space", "darts", ("nasbench201", "mine"))
    assert str(error) == "unknown space 'darts'; known: nasbench201, mine"
    assert isinstance(error, ConfigurationError)
    assert (ArchLockError.exit_code, ConfigurationError.exit_code, error.exit_code, TaskError.exit_code) == (1, 2, 2, 3)
