"""Simulated viewing histories for the demo and for tests: seeded, documented, and called simulated."""

from guided_store.simulation._behaviour import Behaviour
from guided_store.simulation._films import simulate_films
from guided_store.simulation._histories import SimulatedHistories
from guided_store.simulation._simulate import simulate

__all__ = ["Behaviour", "SimulatedHistories", "simulate", "simulate_films"]
