"""A store with items, a run that asks about them, and answers as a server would give them."""

from run_fixtures import *  # noqa: F403
