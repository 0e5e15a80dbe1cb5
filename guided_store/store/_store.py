"""The handle on one store folder: its tables and its artifact folders."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from guided_store.errors import StoreError
from guided_store.store._files import publish
from guided_store.store._lock import WriterLock

if TYPE_CHECKING:
    import lancedb

_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Store:
    """One open store; made by `open` or `create`, closed by `close` or at the end of a `with` block.

    Readers see the newest committed state at each call. Writing methods need `open(..., write=True)`.
    Tables are Lance datasets below `<root>/tables`, written through LanceDB; every write is one Lance commit,
    so that a table is as before or as after, never between.

    Attributes:
        root: the store's folder.
        uuid: its identity, kept when the folder moves.
        notes: what opening it for writing mended that its user should know, in sentences.
    """

    def __init__(self, root: Path, uuid: str, lock: WriterLock | None) -> None:
        self.root = root
        self.uuid = uuid
        self.notes: list[str] = []
        self._lock = lock

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r}, {'read and write' if self.writable else 'read only'})"

    def close(self) -> None:
        """Give the writer's lock back; reading goes on to work."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def writable(self) -> bool:
        """Whether this handle holds the writer's lock."""
        return self._lock is not None

    # tables: reading -------------------------------------------------------------------------------------

    def table_names(self) -> list[str]:
        """Names of the tables that exist, sorted."""
        names = (path.name.removesuffix(".lance") for path in (self.root / "tables").glob("*.lance"))
        return sorted(name for name in names if self.has_table(name))

    def has_table(self, name: str) -> bool:
        """Whether the table has been written at least once."""
        # a kill may leave the folder of a table without its first manifest: that table does not exist
        return any((self._path(name) / "_versions").glob("*.manifest"))

    def read(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        *,
        version: int | None = None,
        where: str | None = None,
    ) -> pa.Table:
        """A table as Arrow, rows in storage order.

        Args:
            name: the table.
            columns: which columns; all by default.
            version: a Lance version number; the newest by default.
            where: a SQL filter on the rows.

        Raises:
            StoreError: the table or version does not exist, or its files are damaged.
        """
        dataset = self.dataset(name, version=version)
        with self._damage(name):
            return dataset.to_table(columns=None if columns is None else list(columns), filter=where)

    def batches(
        self, name: str, columns: Sequence[str] | None = None, *, batch_size: int = 65_536
    ) -> Iterator[pa.RecordBatch]:
        """A table in record batches of at most `batch_size` rows, in storage order; errors as in `read`."""
        dataset = self.dataset(name)
        with self._damage(name):
            yield from dataset.to_batches(
                columns=None if columns is None else list(columns), batch_size=batch_size, scan_in_order=True
            )

    def count(self, name: str) -> int:
        """Rows of a table; 0 where it does not exist."""
        return int(self.dataset(name).count_rows()) if self.has_table(name) else 0

    def table_version(self, name: str) -> int:
        """The newest Lance version number of a table."""
        return int(self.dataset(name).version)

    def dataset(self, name: str, *, version: int | None = None) -> Any:
        """The table as a `lance.LanceDataset`, for what no method here offers; errors as in `read`."""
        # pylance reads: it imports in a third of the time that lancedb takes.
        import lance

        if not self.has_table(name):
            raise StoreError(f"the store at {self.root} has no table {name!r} yet")
        with self._damage(name):
            return lance.dataset(str(self._path(name)), version=version)

    def tags(self, name: str) -> dict[str, int]:
        """Lance tags of a table and the versions they name; empty where the table does not exist."""
        if not self.has_table(name):
            return {}
        dataset = self.dataset(name)
        with self._damage(name):
            return {tag: int(entry["version"]) for tag, entry in dataset.tags.list().items()}

    # tables: writing -------------------------------------------------------------------------------------

    def append(self, name: str, data: pa.Table | pa.RecordBatchReader) -> int:
        """Add rows, creating the table at first; returns the new Lance version number."""
        if not self.has_table(name):
            return self._create(name, data)
        with self._damage(name):
            table = self._database.open_table(name)
            table.add(data)
            return int(table.version)

    def compact(self, name: str) -> bool:
        """Merge a table's small fragments where many appends left too many; returns whether that was done.

        Rows, their order and tagged versions stay; untagged versions older than an hour go. It mends nothing
        that needs mending, so where it fails (a full disk) the table is as it was, and nothing is raised.
        """
        from guided_store.store._compact import compact

        self._need_write()
        try:
            return compact(self.dataset(name))
        except (OSError, ValueError, RuntimeError, StoreError):
            return False

    def replace(self, name: str, data: pa.Table | pa.RecordBatchReader) -> int:
        """Make `data` the table's newest version; older ones stay. Returns the Lance version number."""
        if not self.has_table(name):
            return self._create(name, data)
        with self._damage(name):
            return int(self._database.create_table(name, data, mode="overwrite").version)

    def merge(self, name: str, key: str, data: pa.Table) -> int:
        """Update the rows whose `key` exists and insert the others, as one commit.

        `data` must hold each key once. A table created here declares `key` as its unenforced primary key.
        """
        if not self.has_table(name):
            version = self._create(name, data)
            if not data.schema.field(key).nullable:
                table = self._database.open_table(name)
                table.set_unenforced_primary_key([key])
                version = int(table.version)
            return version
        with self._damage(name):
            table = self._database.open_table(name)
            merge = table.merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
            merge.execute(data)
            return int(table.version)

    def tag(self, name: str, tag: str, version: int) -> None:
        """Name one Lance version of a table; the name must be free."""
        self._need_write()
        with self._damage(name):
            self._database.open_table(name).tags.create(tag, version)

    def untag(self, name: str, tag: str) -> None:
        """Remove a tag; the version it named may then be cleaned up."""
        self._need_write()
        with self._damage(name):
            self._database.open_table(name).tags.delete(tag)

    # artifacts -------------------------------------------------------------------------------------------

    def artifact(self, room: str, name: str) -> Path:
        """Folder of an artifact, e.g. `artifact("encoders", "refined/x")`; it may not exist."""
        return self.root / room / name

    def artifacts(self, room: str, depth: int = 2) -> list[str]:
        """Names of the artifacts of one room, sorted; `depth` is how many folders make up a name."""
        top = self.root / room
        found = top.glob("/".join(["*"] * depth))
        names = [path.relative_to(top) for path in found if path.is_dir()]
        return sorted(
            name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)
        )

    def publish(self, room: str, name: str) -> AbstractContextManager[Path]:
        """A temporary folder that becomes the artifact when the `with` block ends; see `publish`."""
        self._need_write()
        return publish(self.artifact(room, name))

    def remove_artifact(self, room: str, name: str) -> None:
        """Remove an artifact's folder where it exists."""
        self._need_write()
        shutil.rmtree(self.artifact(room, name), ignore_errors=True)

    # inside ----------------------------------------------------------------------------------------------

    def _path(self, name: str) -> Path:
        if not _TABLE_NAME.fullmatch(name):
            raise StoreError(f"{name!r} is not a table name")
        return self.root / "tables" / f"{name}.lance"

    def _need_write(self) -> None:
        if not self.writable:
            raise StoreError(f"the store at {self.root} is open for reading only; open it with write=True")

    @cached_property
    def _connection(self) -> lancedb.DBConnection:
        import lancedb

        return lancedb.connect(str(self.root / "tables"))

    @property
    def _database(self) -> lancedb.DBConnection:
        self._need_write()
        return self._connection

    def _create(self, name: str, data: pa.Table | pa.RecordBatchReader) -> int:
        self._path(name)
        with self._damage(name):
            return int(self._database.create_table(name, data, mode="create").version)

    @contextmanager
    def _damage(self, name: str) -> Iterator[None]:
        """Turn Lance's errors into one sentence; its own often carry Rust source positions."""
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:
            detail = re.sub(r",? ?(/[^\s]*\.rs:\d+:\d+|rust/[^\s]*)", "", str(error)).split("\n")[0].strip()
            if isinstance(error, OSError) and error.errno is not None:
                raise  # disk full, permission: the operating system's own words are clearer
            raise StoreError(f"table {name!r} of the store at {self.root}: {detail[:400]}") from error
