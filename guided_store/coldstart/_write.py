"""Writing a version whose cold rows are filled and raised, with the encoder it belongs to."""

from __future__ import annotations

import numpy as np

from guided_store.coldstart._calibration import Calibration
from guided_store.coldstart._model import ColdModel
from guided_store.encoders import copy_encoder, load_encoder
from guided_store.errors import UsageError
from guided_store.store import Store
from guided_store.versions import (
    Ref,
    VersionInfo,
    embedding_digest,
    load_embedding,
    need_free_name,
    parse_ref,
    write_version,
)


def write_calibrated(
    store: Store,
    name: str,
    model: ColdModel,
    *,
    parent: str | Ref,
    calibration: Calibration | None = None,
    cold_rows: str = "stored",
) -> VersionInfo:
    """Write `<kind>/<name>` with the rows of `model`, a trained version whose cold rows were changed.

    Content columns, trained rows and the encoder stay what they are; only learned columns and biases of cold
    rows differ from the parent, so that the score is still the sum of its terms.

    Args:
        store: open for writing.
        name: not taken.
        model: made from the parent, offset included.
        parent: the trained version.
        calibration: where an offset was chosen; it is recorded.
        cold_rows: how the rows were filled, recorded.

    Raises:
        UsageError: the parent has no encoder, or other items or content than the model.
        VersionError: the name is taken, or values are not finite.
    """
    old_ref = parse_ref(parent)
    ref = need_free_name(store, Ref(old_ref.kind, name))
    old = load_embedding(store, old_ref)
    encoder = load_encoder(store, old)
    if model.item_ids != old.item_ids or model.vectors.shape != old.vectors.shape:
        raise UsageError(f"{model.name} has other items or dimensions than {old_ref}, which it is made from")
    if not np.array_equal(model.vectors[:, : model.fixed], old.vectors[:, : model.fixed]):
        raise UsageError(f"{model.name} has other content columns than {old_ref}; they must stay")
    old_bias = np.zeros(len(old.item_ids), np.float32) if old.bias is None else old.bias
    changed = (model.vectors != old.vectors).any(axis=1) | (model.bias != old_bias)
    recipe = old.info.recipe | {
        "calibrated_from": str(old_ref),
        "calibrated_digest": old.digest,
        "cold_rows": cold_rows,
        "changed_rows": int(changed.sum()),
        "calibration_of_cold": None if calibration is None else calibration.to_dict(),
    }
    if calibration is not None and "cold_bias" in recipe:
        # what later new items start with, see `extend_refined`
        recipe["cold_bias"] = float(str(recipe["cold_bias"])) + calibration.offset
    digest = embedding_digest(old.item_ids, model.vectors, model.bias, old.raw, old.std)
    copy_encoder(store, encoder, ref, digest)
    return write_version(
        store,
        ref,
        old.item_ids,
        model.vectors,
        bias=model.bias,
        raw=old.raw,
        imputed=old.imputed,
        std=old.std,
        parents=(old_ref,),
        recipe=recipe,
        metrics=dict(old.info.metrics),
    )
