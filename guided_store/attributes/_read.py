"""Reading attribute schemas: TOML files, recorded JSON content, bundled packs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from guided_store.attributes._schema import Attribute, AttributeSchema
from guided_store.errors import DataError, UsageError

_SCHEMA_KEYS = ("name", "version", "item", "scale", "attribute")
_ATTRIBUTE_KEYS = ("name", "low", "high", "hindsight")
_FILE = "attributes.toml"


def load_schema(source: str | Path) -> AttributeSchema:
    """The schema in a TOML file, or the bundled pack of that name.

    An existing file comes first; a name that is no file is looked up among `list_packs()`.

    Raises:
        UsageError: neither a file nor a pack.
        DataError: the file is not valid TOML or not a valid schema; names file and attribute.
    """
    path = Path(source)
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from None
        return parse_schema(text, str(path))
    pack = _packs() / str(source)
    if str(source) in list_packs():
        return parse_schema((pack / _FILE).read_text(encoding="utf-8"), f"pack {source}")
    packs = ", ".join(list_packs())
    raise UsageError(
        f"no attribute schema {str(source)!r}: it is neither a file nor a bundled pack ({packs})"
    )


def list_packs() -> tuple[str, ...]:
    """Names of the schemas that come with the package, sorted."""
    return tuple(sorted(entry.name for entry in _packs().iterdir() if (entry / _FILE).is_file()))


def parse_schema(text: str, source: str = "schema") -> AttributeSchema:
    """The schema in a TOML text; `source` names it in error sentences.

    Raises:
        DataError: invalid TOML (with line and column) or an invalid schema.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source}: not valid TOML: {error}") from None
    return schema_from_dict(content, source)


def schema_from_dict(content: Mapping[str, object], source: str = "schema") -> AttributeSchema:
    """The schema in a mapping with the keys of the TOML file, as `AttributeSchema.to_dict` gives it.

    Raises:
        DataError: unknown or missing keys, values of the wrong kind, or invalid content.
    """
    _check_keys(content, _SCHEMA_KEYS, source)
    name = _text(content, "name", source)
    item = _text(content, "item", source)
    version = content.get("version", 1)
    if type(version) is not int:
        raise DataError(f"{source}: version is {version!r}; it must be a whole number")
    tables = content.get("attribute", [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise DataError(f"{source}: attribute is not a list of tables; write each one under [[attribute]]")
    attributes = tuple(_attribute(table, number, source) for number, table in enumerate(tables, start=1))
    try:
        return AttributeSchema(name, version, item, _scale(content, source), attributes)
    except DataError as error:
        sentence = str(error).removeprefix(f"attribute schema {name!r}: ")
        raise DataError(f"{source}: {sentence}") from None


def _attribute(table: Mapping[str, object], number: int, source: str) -> Attribute:
    name = table.get("name")
    where = f"{source}: attribute {name!r}" if isinstance(name, str) else f"{source}: attribute {number}"
    _check_keys(table, _ATTRIBUTE_KEYS, where)
    hindsight = table.get("hindsight", False)
    if not isinstance(hindsight, bool):
        raise DataError(f"{where}: hindsight is {hindsight!r}; it must be true or false")
    return Attribute(
        _text(table, "name", where), _text(table, "low", where), _text(table, "high", where), hindsight
    )


def _scale(content: Mapping[str, object], source: str) -> tuple[float, float]:
    scale = content.get("scale", [0, 10])
    match scale:
        # bool is an int to Python, not to a scale.
        case [int() | float() as low, int() | float() as high] if bool not in (type(low), type(high)):
            return low, high
    raise DataError(f"{source}: scale is {scale!r}; it must be two numbers, such as scale = [0, 10]")


def _text(table: Mapping[str, object], key: str, where: str) -> str:
    value = table.get(key)
    if value is None:
        raise DataError(f"{where}: {key} is missing")
    if not isinstance(value, str):
        raise DataError(f"{where}: {key} is {value!r}; it must be a text in quotes")
    return value


def _check_keys(table: Mapping[str, object], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise DataError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")


def _packs() -> Traversable:
    return resources.files("guided_store") / "data"
