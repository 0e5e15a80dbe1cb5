"""Schema files: what is read, and the sentence for each way a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from guided_store.attributes import list_packs, load_schema, parse_schema
from guided_store.errors import DataError, UsageError

HEAD = 'name = "demo"\nversion = 1\nitem = "film"\nscale = [0, 10]\n'
HUMOR = '[[attribute]]\nname = "humor"\nlow = "none"\nhigh = "constant comedy"\n'


def test_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(HEAD + HUMOR + "hindsight = true\n")
    schema = load_schema(path)
    assert (schema.name, schema.version, schema.item, schema.scale) == ("demo", 1, "film", (0, 10))
    assert schema.names == schema.hindsight == ("humor",)


def test_version_and_scale_have_defaults() -> None:
    schema = parse_schema('name = "demo"\nitem = "film"\n' + HUMOR)
    assert (schema.version, schema.scale) == (1, (0, 10))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEAD + HUMOR + HUMOR, "f.toml: attribute 'humor' is given twice (as number 1 and number 2)"),
        (
            HEAD + HUMOR.replace("humor", "Dry Humor"),
            "f.toml: attribute 1 is named 'Dry Humor'; a name starts",
        ),
        (HEAD + HUMOR.replace("humor", "2fast"), "f.toml: attribute 1 is named '2fast'"),
        (HEAD + HUMOR.replace("humor", "title"), "'title', which is a column of every table of scores"),
        (HEAD + HUMOR.replace('low = "none"\n', ""), "f.toml: attribute 'humor': low is missing"),
        (HEAD + HUMOR.replace("none", " "), "f.toml: attribute 'humor' has an empty low end"),
        (HEAD + HUMOR.replace('name = "humor"\n', ""), "f.toml: attribute 1: name is missing"),
        (HEAD + HUMOR.replace('"none"', "3"), "f.toml: attribute 'humor': low is 3; it must be a text"),
        (
            HEAD + HUMOR + "weight = 2\n",
            "f.toml: attribute 'humor': unknown key 'weight'; known are name, low",
        ),
        (HEAD + HUMOR + 'hindsight = "yes"\n', "f.toml: attribute 'humor': hindsight is 'yes'"),
        (HEAD.replace("[0, 10]", "[10, 0]") + HUMOR, "f.toml: scale [10, 0] does not increase"),
        (HEAD.replace("[0, 10]", "[5, 5]") + HUMOR, "f.toml: scale [5, 5] does not increase"),
        (
            HEAD.replace("[0, 10]", "[0, 5, 10]") + HUMOR,
            "f.toml: scale is [0, 5, 10]; it must be two numbers",
        ),
        (HEAD.replace("[0, 10]", "[false, true]") + HUMOR, "f.toml: scale is [False, True]"),
        (HEAD.replace("[0, 10]", '"0-10"') + HUMOR, "f.toml: scale is '0-10'"),
        (HEAD.replace("version = 1", "version = 1.5") + HUMOR, "f.toml: version is 1.5; it must be a whole"),
        (HEAD.replace("version = 1", "version = 0") + HUMOR, "f.toml: version is 0; it starts at 1"),
        (HEAD.replace('"film"', '""') + HUMOR, "f.toml: item is empty"),
        (HEAD.replace('name = "demo"\n', "") + HUMOR, "f.toml: name is missing"),
        (HEAD.replace('"demo"', '""') + HUMOR, "f.toml: the name is empty"),
        (HEAD + 'author = "x"\n' + HUMOR, "f.toml: unknown key 'author'; known are name, version"),
        (HEAD, "f.toml: no attributes; add at least one [[attribute]]"),
        (HEAD + 'attribute = "humor"\n', "f.toml: attribute is not a list of tables"),
        (HEAD + "oops\n", "f.toml: not valid TOML: Expected '=' after a key in a key/value pair (at line 5"),
    ],
)
def test_each_fault_has_its_sentence(text: str, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_schema(text, "f.toml")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_nothing_lists_the_packs() -> None:
    with pytest.raises(
        UsageError, match=r"no attribute schema 'songs': it is neither a file .* pack \(.*films"
    ):
        load_schema("songs")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(HEAD.encode() + b"# \xff\n")
    with pytest.raises(DataError, match=r"a\.toml: not UTF-8 text"):
        load_schema(path)


def test_the_films_pack_marks_what_knows_the_future() -> None:
    assert "films" in list_packs()
    films = load_schema("films")
    assert len(films) == 24
    assert films.hindsight == ("critical_acclaim", "mainstream_popularity", "cult_following")


@pytest.mark.parametrize("folder", ["films", "games", "amazon-office"])
def test_the_real_schemas_are_read(folder: str, datasets: Path) -> None:
    path = datasets / folder / "attributes.toml"
    schema = load_schema(path if path.is_file() else "films")
    assert 22 <= len(schema) <= 28
    assert parse_schema(schema.to_toml()) == schema
