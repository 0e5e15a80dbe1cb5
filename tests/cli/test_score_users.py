"""`score run --users`, `build users` and what is made of them, as a user types them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class People:
    """A store with twelve films, twelve users who saw all of them and a model behind a server."""

    def __init__(self, terminal: Any, folder: Path, server: Any) -> None:
        self.terminal, self.folder, self.server = terminal, folder, server
        self.store, self.schema = folder / "store", folder / "tiny.toml"
        lines = ['name = "tiny"', "version = 1", 'item = "film"', "scale = [0, 10]"]
        for name, low, high in (("humor", "none", "constant comedy"), ("pace", "very slow", "breakneck")):
            lines += ["[[attribute]]", f'name = "{name}"', f'low = "{low}"', f'high = "{high}"']
        self.schema.write_text("\n".join(lines) + "\n")
        items = "".join(f"{n},Film number {n}\n" for n in range(12))
        (folder / "items.csv").write_text("film,name\n" + items)
        events = "".join(f"u{u},{(u + n) % 12},{1000 + n}\n" for u in range(12) for n in range(5))
        (folder / "events.csv").write_text("user,item,time\n" + events)
        self.ask("ingest items --item film --title name", folder / "items.csv")
        self.ask("ingest interactions --user user --item item --time time", folder / "events.csv")

    def ask(self, command: str, *arguments: object) -> str:
        return str(self.terminal.ask(self.store, command, *arguments))

    def json(self, command: str, *arguments: object) -> Any:
        return self.terminal.json(self.store, command, *arguments)

    @property
    def asks(self) -> tuple[object, ...]:
        return ("--schema", self.schema, "--model", "m", "--base-url", self.server.url)


@pytest.fixture
def people(terminal: Any, tmp_path: Path, fake_openai: Callable[..., Any]) -> People:
    return People(terminal, tmp_path, fake_openai(latency=0.001))


def test_from_histories_to_a_prior(people: People) -> None:
    dry = people.ask("score run --users --dry-run --prices 1,2", *people.asks)
    assert "12 answers to ask m for, in 12 requests" in dry
    assert people.server.received() == []
    people.ask("score run --as films", *people.asks)

    done = people.json("score run --users --prices 1,2 --max-cost 10", *people.asks)
    assert (done["ok"], done["left"], done["stopped"]) == (12, 0, None)
    again = people.json("score run --users --run", done["run"])
    assert (again["requests"], again["already"]) == (0, 12)
    assert "users" in people.ask("score status")
    assert "12 users" in people.ask("score status --run", done["run"])

    built = people.ask("build users --as judged --guided guided/films --run", done["run"])
    assert "users/judged: 12 users x 2 attributes on the scale of guided/films" in built
    assert "training part of a split of kind leave-one-out" in built
    listed = people.json("versions list users")["versions"]
    assert [version["version"] for version in listed] == ["users/judged"]
    shown = people.ask("versions show users/judged")
    assert "encoder" not in shown
    assert "no faults found" in people.ask("doctor")

    small = "--epochs 1 --length 8 --heads 1 --blocks 1"
    people.ask(f"train --as b --dim 4 {small}")
    people.ask("build refined --base base/b --guided guided/films --dim 6 --as start")
    people.ask(f"train --items refined/start --user --as r {small}")
    text = people.ask("profile u3 --explain --prior users/judged")
    assert "it starts from users/judged" in text
    vector = people.json("profile u3 --explain --prior users/judged")["user_vector"]
    assert vector["prior"] == "users/judged"
    # u3 saw films 3 to 7; the last two are held out
    history = "1. Film number 3\n2. Film number 4\n3. Film number 5"
    raw = {name: people.server.score({"history": history}, name) for name in ("humor", "pace")}
    recipe = people.json("versions show guided/films")["recipe"]
    for n, attribute in enumerate(vector["attributes"]):
        standard = (raw[attribute["attribute"]] - recipe["mean"][n]) / recipe["deviation"][n]
        assert attribute["prior"] == pytest.approx(attribute["prior_share"] * standard, rel=1e-3)

    made = people.json(f"train --items refined/start --users users/judged --as p {small}")
    assert made["training"]["encoder"]["user"] is True
    assert made["training"]["users"] == "users/judged"
    served = people.ask("profile u3 --explain --version refined/p")
    assert "it starts from users/judged" in served
    assert len(people.json("recommend u3 -k 3 --version refined/p")["items"]) == 3
    assert "no faults found" in people.ask("doctor")
    code, said = people.terminal.refuse(
        people.store, f"train --items refined/start --users users/judged --as q --split none {small}"
    )
    assert code == 2
    assert "users/judged was judged by the training part of another split" in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--newest 5", "--split, --at, --newest and --history-chars belong to --users"),
        ("--split none", "--split, --at, --newest and --history-chars belong to --users"),
        ("--users --as x", "after scoring users, `build users` makes theirs"),
        ("--users --provider local", "--users needs a language model"),
        ("--users --max-chars 5", "--users shows --history-chars of each"),
        ("--users --split time", "needs its time, by --at"),
        ("--users --at 5", "--at belongs to --split time"),
    ],
)
def test_options_that_do_not_go_together(people: People, options: str, sentence: str) -> None:
    code, said = people.terminal.refuse(people.store, f"score run {options}", *people.asks)
    assert code == 2
    assert sentence in said
    assert people.server.received() == []
