"""The demo: the whole path on bundled films and simulated viewers; finished steps are left as they are."""

from guided_store.demo._steps import ALIAS, BASE, REFINED, build_demo, open_demo

__all__ = ["ALIAS", "BASE", "REFINED", "build_demo", "open_demo"]
