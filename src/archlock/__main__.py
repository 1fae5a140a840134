"""``python -m archlock`` and the ``archlock`` command."""

from archlock.cli import main

if __name__ == "__main__":
    main()
