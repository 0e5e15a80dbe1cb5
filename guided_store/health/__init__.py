"""What is in a store, and whether it is sound."""

from guided_store.health._checks import Check, check_all
from guided_store.health._status import store_status

__all__ = ["Check", "check_all", "store_status"]
