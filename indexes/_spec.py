"""What kind of index to build: a FAISS factory string, its parameters and a seed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from indexes._errors import IndexRequestError

# One shape for all: [HNSW<links> | IVF<lists>] [codes] [RFlat]. What FAISS offers beyond this is left out on
# purpose: PCA shifts inner products (it subtracts the mean on both sides), IDMap is not needed for dense ids,
# and plain PQ and PQ fast-scan take no filter.
_FACTORY = re.compile(
    r"(?:(?:HNSW(?P<links>[1-9]\d{0,2})|IVF(?P<lists>[1-9]\d{0,6}))(?:,|$))?"
    r"(?P<codes>Flat|SQ(?:4|6|8|fp16|bf16)|PQ(?P<parts>[1-9]\d{0,3})(?:x(?P<bits>[4-8]))?)?"
    r"(?P<refine>,RFlat)?"
)
_KNOWN = "Flat, SQ8, SQfp16, HNSW32, HNSW32,SQ8, IVF256,Flat, IVF256,SQ8, IVF256,PQ16, IVF256,SQ8,RFlat"

DEFAULT_EF_SEARCH = 128
DEFAULT_EF_CONSTRUCTION = 80


@dataclass(frozen=True)
class Factory:
    """A factory string taken apart.

    Attributes:
        kind: "flat" (every vector is compared), "hnsw" (graph) or "ivf" (inverted lists).
        codes: how vectors are stored: "Flat", "SQ8", "PQ16", ...
        links: neighbours a node keeps (HNSW), 0 otherwise.
        lists: inverted lists (IVF), 0 otherwise.
        subquantizers, bits: product quantizer: parts of the vector, bits each; 0 otherwise.
        refine: whether the float32 vectors are kept beside the codes (",RFlat").
    """

    kind: str
    codes: str
    links: int = 0
    lists: int = 0
    subquantizers: int = 0
    bits: int = 0
    refine: bool = False

    @property
    def lossless(self) -> bool:
        """Whether the index holds the float32 vectors themselves."""
        return self.codes == "Flat" or self.refine


def parse_factory(text: str) -> Factory:
    """Take a factory string apart; raises IndexRequestError naming the strings that are supported."""
    match = _FACTORY.fullmatch(text) if isinstance(text, str) and text else None
    if match is None:
        raise IndexRequestError(f"unknown index factory {text!r}: use one like {_KNOWN}")
    links, lists, codes = match["links"], match["lists"], match["codes"]
    plain = not links and not lists
    if (codes is None and not links) or (codes is None and match["refine"]) or (plain and match["parts"]):
        raise IndexRequestError(f"unknown index factory {text!r}: use one like {_KNOWN}")
    if text.endswith(","):
        raise IndexRequestError(f"unknown index factory {text!r}: it ends with a comma")
    codes = codes or "Flat"
    if match["refine"] and codes == "Flat":
        raise IndexRequestError(
            f"factory {text!r}: RFlat adds nothing to Flat, which keeps the vectors anyway"
        )
    if links and int(links) < 2:
        raise IndexRequestError(f"factory {text!r}: a graph needs at least 2 links a node (HNSW32 is usual)")
    return Factory(
        kind="hnsw" if links else "ivf" if lists else "flat",
        codes=codes,
        links=int(links or 0),
        lists=int(lists or 0),
        subquantizers=int(match["parts"] or 0),
        bits=int(match["bits"] or 8) if match["parts"] else 0,
        refine=bool(match["refine"]),
    )


@dataclass(frozen=True)
class IndexSpec:
    """What to build and how to search it.

    Attributes:
        factory: FAISS factory string. "Flat" (exact, the default) is right up to about 100,000 vectors;
            "HNSW32" and "IVF256,Flat" are faster on more; "SQ8", "SQfp16" and "PQ16" store compressed codes;
            ",RFlat" keeps the float32 vectors beside them.
        search: search parameters. `nprobe` (IVF: lists visited, default an eighth of them), `efSearch` (HNSW:
            queue length, default 128), `k_factor` (all but Flat: candidates taken for each result wanted,
            re-scored from the stored vectors; default 2 for compressed codes, else 1).
        seed: of the k-means, the training sample and the graph's levels. Non-negative, below 2**31.
        build: build parameters. `efConstruction` (HNSW, default 80).

    Raises:
        IndexRequestError: a factory or parameter that is unknown, does not fit, or is out of range.
    """

    factory: str = "Flat"
    search: Mapping[str, int] = field(default_factory=dict, hash=False)
    seed: int = 0
    build: Mapping[str, int] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        parts = parse_factory(self.factory)
        if not _is_integer(self.seed) or not 0 <= self.seed < 2**31:
            raise IndexRequestError(f"seed must be a whole number from 0 to 2147483647, not {self.seed!r}")
        search = {"flat": (), "hnsw": ("efSearch",), "ivf": ("nprobe",)}[parts.kind]
        if self.factory != "Flat":
            search = (*search, "k_factor")
        build = ("efConstruction",) if parts.kind == "hnsw" else ()
        object.__setattr__(self, "search", _checked("search", self.search, search, self.factory))
        object.__setattr__(self, "build", _checked("build", self.build, build, self.factory))
        if self.search.get("nprobe", 1) > parts.lists > 0:
            raise IndexRequestError(
                f"nprobe {self.search['nprobe']} exceeds the {parts.lists} lists of {self.factory}"
            )

    @cached_property
    def parts(self) -> Factory:
        """The factory string taken apart."""
        return parse_factory(self.factory)

    def search_parameters(self) -> dict[str, int]:
        """All search parameters, defaults filled in."""
        parts = self.parts
        defaults = {}
        if parts.kind == "ivf":
            defaults["nprobe"] = min(parts.lists, max(8, parts.lists // 8))
        if parts.kind == "hnsw":
            defaults["efSearch"] = DEFAULT_EF_SEARCH
        if self.factory != "Flat":
            defaults["k_factor"] = 1 if parts.codes == "Flat" else 2
        return {**defaults, **self.search}

    def build_parameters(self) -> dict[str, int]:
        """All build parameters, defaults filled in."""
        defaults = {"efConstruction": DEFAULT_EF_CONSTRUCTION} if self.parts.kind == "hnsw" else {}
        return {**defaults, **self.build}


def _checked(what: str, given: Mapping[str, int], known: tuple[str, ...], factory: str) -> dict[str, int]:
    for name, value in given.items():
        if name not in known:
            choice = f"it takes {', '.join(known)}" if known else "it takes none"
            raise IndexRequestError(f"{what} parameter {name!r} is not one of index {factory}: {choice}")
        if not _is_integer(value) or not 1 <= value < 2**31:
            raise IndexRequestError(f"{what} parameter {name} must be a positive whole number, not {value!r}")
    return {name: int(value) for name, value in given.items()}


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
