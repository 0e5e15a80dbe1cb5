"""Named embedding versions on top of Lance's own: registry, tags, lineage, digests, aliases."""

from guided_store.versions._aliases import Alias, alias_history, list_aliases, plan_alias, resolve, set_alias
from guided_store.versions._diff import Change, Content, Diff, diff_versions
from guided_store.versions._digest import embedding_digest
from guided_store.versions._embedding import Embedding, load_embedding
from guided_store.versions._lineage import Kin, ancestors, ancestry, descendants
from guided_store.versions._names import KINDS, TABLES, USERS, Ref, check_name, parse_ref, table_of, users_ref
from guided_store.versions._prune import Orphan, PrunePlan, Verdict, plan_prune, prune
from guided_store.versions._recovery import recover
from guided_store.versions._registry import VersionInfo, find_version, get_version, list_versions
from guided_store.versions._write import need_free_name, write_version

__all__ = [
    "KINDS",
    "TABLES",
    "USERS",
    "Alias",
    "Change",
    "Content",
    "Diff",
    "Embedding",
    "Kin",
    "Orphan",
    "PrunePlan",
    "Ref",
    "Verdict",
    "VersionInfo",
    "alias_history",
    "ancestors",
    "ancestry",
    "check_name",
    "descendants",
    "diff_versions",
    "embedding_digest",
    "find_version",
    "get_version",
    "list_aliases",
    "list_versions",
    "load_embedding",
    "need_free_name",
    "parse_ref",
    "plan_alias",
    "plan_prune",
    "prune",
    "recover",
    "resolve",
    "set_alias",
    "table_of",
    "users_ref",
    "write_version",
]
