"""Which model it is, so that scores of two models are never put into one run."""

from __future__ import annotations

import hashlib
from pathlib import Path

from guided_store.errors import UsageError

_PARTS = frozenset({".json", ".txt", ".model", ".safetensors", ".bin"})
_TIMEOUT = 10.0


def folder_digest(folder: Path) -> str:
    """Names and contents of a model's files (configuration, vocabulary, weights) as "sha256:...".

    The folder's own name and place do not count: a model that was moved is the same model.
    """
    sha = hashlib.sha256(b"guided-store model 1\0")
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.suffix in _PARTS}
    for name in sorted(files):
        if files[name].is_file() and not any(part.startswith(".") for part in Path(name).parts):
            with files[name].open("rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
            sha.update(name.encode() + b"\0" + content)
    return f"sha256:{sha.hexdigest()}"


def cached_revision(model: str) -> tuple[str, str] | None:
    """Full name and commit of a model in the local cache of the hub; None where it is not there."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for name in _full_names(model):
        try:
            paths = [try_to_load_from_cache(name, file) for file in ("modules.json", "config.json")]
        except HFValidationError:
            raise UsageError(
                f"{model!r} is neither a folder nor a possible name of a model on the hub"
            ) from None
        for path in paths:
            if isinstance(path, str):
                return name, Path(path).parent.name  # the folder of a snapshot is named by its commit
    return None


def online_revision(model: str) -> tuple[str, str]:
    """Full name and newest commit of a model on the hub.

    Raises:
        UsageError: the hub has no such model, keeps it closed, or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    api = HfApi()
    for name in _full_names(model):
        try:
            found = api.model_info(name, timeout=_TIMEOUT)
        except GatedRepoError:
            raise UsageError(
                f"the model {name} is open to registered users only; log in with `hf auth login`"
            ) from None
        except RepositoryNotFoundError:
            continue
        # The client's errors differ by its release (requests, httpx); all mean that nothing was learned.
        except Exception as error:
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise UsageError(
                f"the model {model} is neither a folder nor in the local cache, and the hub cannot be asked "
                f"for it ({reason}); give the folder of a model that you have"
            ) from None
        if found.sha:
            return name, found.sha
    raise UsageError(f"there is no model {model!r}: neither a folder here nor a model on the hub")


def _full_names(model: str) -> tuple[str, ...]:
    """Names without an owner are those of the library's authors first, as sentence-transformers has it."""
    return (model,) if "/" in model else (f"sentence-transformers/{model}", model)
