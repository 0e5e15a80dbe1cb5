"""Plans are made run by run, taken up again, shared, and never read on test before the choice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from small_plan import USERS, small_plan, write_small

from guided_store import store as stores
from guided_store.encoders import load_scorer
from guided_store.errors import DataError, UsageError
from guided_store.evaluation import ndcg_at, target_ranks
from guided_store.progress import SILENT, Task
from guided_store.reproduction import (
    Plan,
    Recipe,
    Schedule,
    Summary,
    estimate,
    gather,
    open_board,
    overview,
    prepare,
    run_plan,
)

ALL = ("base-plain", "base", "base-2d", "base-warm", "refined", "refined-paper", "guided-alone", "permuted",
       "random", "text", "text+guided", "no-hindsight")  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def done(files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path, Summary, list[str]]:
    """Every system on one seed, with one trial."""
    work = tmp_path_factory.mktemp("work")
    plan = small_plan(*ALL, seeds=(1,), trials=({"learning_rate": 1e-2},))
    log = Log()
    summary = run_plan(plan, work, datasets=files, progress=log)
    return plan, work, summary, log.lines


class Log:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[Task]:
        with SILENT.task(title, total) as task:
            yield task

    def log(self, text: str) -> None:
        self.lines.append(text)


class Stop(Log):
    """Presses Ctrl-C after so many training steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[Any]:
        if title.startswith("epoch"):
            yield self
        else:
            with super().task(title, total) as task:
                yield task

    def advance(self, steps: float = 1) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        pass


def records(work: Path) -> dict[str, dict[str, Any]]:
    return {
        path.relative_to(work / "runs").as_posix(): json.loads(path.read_text())
        for path in sorted((work / "runs").rglob("*.json"))
    }


def test_every_system_runs(done: tuple[Plan, Path, Summary, list[str]]) -> None:
    plan, work, summary, lines = done
    assert (summary.made, summary.left, summary.stopped, summary.errors) == (24, 0, "finished", ())
    results = gather(plan, work)
    assert [cell.system for cell in results.cells] == list(ALL)
    assert len(results.planned) == 12
    facts = results.datasets["small"]
    for cell in results.cells:
        assert cell.ranks.shape == cell.users.shape == cell.targets.shape == (USERS,)
        assert cell.digests["split"] == facts.split
        assert len(cell.trials) == 1
        assert cell.seconds > 0
    assert {cell.system: cell.dim for cell in results.cells} | {"base-2d": 16, "guided-alone": 3} == {
        cell.system: cell.dim for cell in results.cells
    }
    assert len({cell.digests["version"] for cell in results.cells}) == 12
    assert lines[-1].endswith("0 runs left, about 0 s")


def test_kept_stores_give_the_recorded_ranks(done: tuple[Plan, Path, Summary, list[str]]) -> None:
    plan, work, _, _ = done
    kept = {path.name.rsplit("-", 2)[0] for path in (work / "stores").iterdir()}
    assert kept == {"small-sasrec-base", "small-sasrec-refined"}
    split = prepare(plan.datasets["small"], None, work).load_split()
    for system, ref in (("base", "base/base"), ("refined", "refined/refined")):
        (folder,) = (work / "stores").glob(f"small-sasrec-{system}-s1-*")
        with stores.open(folder / "store") as store:
            ranks = target_ranks(load_scorer(store, ref, split)[0], split)
        assert (ranks == gather(plan, work).of("small", "sasrec", system)[0].ranks).all()


def test_two_stages_take_the_time_of_both(done: tuple[Plan, Path, Summary, list[str]]) -> None:
    plan, work, _, _ = done
    results = gather(plan, work)
    base = results.of("small", "sasrec", "base")[0]
    for system in ("base-warm", "refined-paper"):
        assert results.of("small", "sasrec", system)[0].seconds > base.seconds
        (run,) = (work / "runs/small/sasrec" / system).glob("run-*.json")
        content = json.loads(run.read_text())
        assert content["settings"]["start"] == base.digests["settings"]
        assert base.digests["version"] in content["made_from"].values()


def test_what_is_finished_is_not_made_again(files: Path, done: tuple[Plan, Path, Summary, list[str]]) -> None:
    plan, work, _, _ = done
    before = {path: path.stat().st_mtime_ns for path in (work / "runs").rglob("*")}
    assert run_plan(plan, work).made == 0
    assert {path: path.stat().st_mtime_ns for path in (work / "runs").rglob("*")} == before


def test_a_changed_setting_remakes_what_it_belongs_to(files: Path, tmp_path: Path) -> None:
    one = ({"learning_rate": 1e-2},)
    before = small_plan("base", "refined", seeds=(1,), trials=one)
    run_plan(before, tmp_path, datasets=files)
    after = small_plan("base", "refined", seeds=(1,), trials=one, recipe=Recipe(build={"guided_scale": 0.3}))
    states = {state.system: state for state in overview(open_board(after, tmp_path))}
    assert states["base"].finished
    assert (states["base"].earlier, states["refined"].runs) == (0, 0)
    assert states["refined"].earlier == 1  # it was read on test, and the plan was changed after that
    assert run_plan(after, tmp_path).made == 2
    assert gather(before, tmp_path).of("small", "sasrec", "refined")  # both are there
    assert overview(open_board(after, tmp_path))[1].earlier == 1


def test_the_choice_is_the_best_on_validation_and_test_is_read_after_it(files: Path, tmp_path: Path) -> None:
    plan = small_plan("permuted")
    log = Log()
    assert run_plan(plan, tmp_path, datasets=files, progress=log).made == 4
    assert ["trial" in line for line in log.lines] == [True, True, False, False]
    contents = records(tmp_path).values()
    trials = [content for content in contents if content["kind"] == "trial"]
    runs = [content for content in contents if content["kind"] == "run"]
    best = max(trials, key=lambda content: content["validation"]["ndcg@10"])
    assert len({content["validation"]["ndcg@10"] for content in trials}) == 2
    assert [run["trial"] for run in runs] == [best["trial"]] * 2  # both seeds by the trials of the first
    assert not any("test" in content for content in trials)
    assert {content["epochs"] for content in trials} == {1}
    assert {content["epochs"] for content in runs} == {2}
    cells = gather(plan, tmp_path).of("small", "sasrec", "permuted")
    assert [cell.seed for cell in cells] == [1, 2]
    assert (cells[0].ranks != cells[1].ranks).any()
    for cell in cells:
        (run,) = [run for run in runs if run["settings"]["seed"] == cell.seed]
        assert ndcg_at(cell.ranks, 10).mean() == pytest.approx(run["test"]["ndcg@10"])


def test_a_whole_trial_is_the_run_of_the_first_seed(files: Path, tmp_path: Path) -> None:
    plan = small_plan("base", "random", schedules={"sasrec": Schedule(2, None, encoder={"blocks": 1})})
    assert run_plan(plan, tmp_path, datasets=files).made == 8
    for system in ("base", "random"):
        contents = [c for n, c in records(tmp_path).items() if n.split("/")[2] == system]
        run = next(c for c in contents if c["kind"] == "run" and c["settings"]["seed"] == 1)
        trial = next(c for c in contents if c["kind"] == "trial" and c["digest"] == run["digest"])
        # The very same training, to the microsecond, and not one like it.
        assert trial["history"] == run["history"]
        assert trial["version"] == run["version"]
    kept = {path.name.rsplit("-", 1)[0] for path in (tmp_path / "stores").iterdir()}
    assert kept == {"small-sasrec-base-s1", "small-sasrec-base-s2"}


def test_interrupted_it_goes_on_and_comes_to_the_same(files: Path, tmp_path: Path) -> None:
    plan = small_plan("refined", seeds=(1,), schedules={"sasrec": Schedule(4, 3, encoder={"blocks": 1})})
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, tmp_path / "a", datasets=files, progress=Stop(12))
    assert len(list((tmp_path / "a/stores").iterdir())) == 1
    assert list((tmp_path / "a").rglob("checkpoints/refined/*.safetensors"))
    assert run_plan(plan, tmp_path / "a").left == 0
    run_plan(plan, tmp_path / "b", datasets=files)
    one, other = (gather(plan, tmp_path / name).cells[0] for name in "ab")
    assert one.digests["version"] == other.digests["version"]
    assert (one.ranks == other.ranks).all()


def test_what_another_worker_is_at_is_left_to_it(files: Path, tmp_path: Path) -> None:
    plan = small_plan("base-plain", seeds=(1,))
    board = open_board(plan, tmp_path)
    first = next(board.ready())
    (tmp_path / "locks").mkdir()
    lock = FileLock(tmp_path / "locks" / f"{first.settings.digest}.lock", thread_local=False)
    lock.acquire()
    threading.Timer(1.0, lock.release).start()
    log = Log()
    assert run_plan(plan, tmp_path, datasets=files, progress=log).made == 3
    assert "trial, dropout 0.2, learning_rate 0.0001" in log.lines[0]
    assert "trial, dropout 0.2, learning_rate 0.01" in log.lines[1]


def test_two_processes_share_a_plan(files: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.append(sys.argv[3])\n"
        "from small_plan import small_plan; from guided_store.reproduction import run_plan\n"
        "plan = small_plan('base-plain', 'base', 'base-warm', seeds=(1,)); print('ready', flush=True)\n"
        "print(run_plan(plan, Path(sys.argv[1]), datasets=Path(sys.argv[2]), workers=2).made)"
    )
    support = Path(__file__).parents[2] / "support"
    command = [sys.executable, "-c", code, str(tmp_path), str(files), str(support)]
    plan = small_plan("base-plain", "base", "base-warm", seeds=(1,))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"  # from here on both are at it
        made = run_plan(plan, tmp_path, datasets=files, workers=2).made
        made += int(other.communicate(timeout=100)[0])
    assert other.returncode == 0
    assert made == 9  # each run once, whoever made it
    assert len(gather(plan, tmp_path).cells) == 3


def test_after_the_deadline_nothing_new_begins(files: Path, tmp_path: Path) -> None:
    summary = run_plan(small_plan("base"), tmp_path, datasets=files, deadline=0.0)
    assert (summary.made, summary.left, summary.stopped) == (0, 4, "deadline")


def test_a_trial_that_diverges_loses_and_a_system_without_any_is_missing(files: Path, tmp_path: Path) -> None:
    good, bad = {"learning_rate": 1e-2}, {"learning_rate": 1e30}
    plan = small_plan("base", seeds=(1,), trials=(bad, good))
    assert run_plan(plan, tmp_path / "one", datasets=files).left == 0
    (cell,) = gather(plan, tmp_path / "one").cells
    assert cell.trial == good
    assert [trial["error"] is None for trial in cell.trials] == [False, True]
    lost = small_plan("base", "base-warm", seeds=(1,), trials=(bad,))
    summary = run_plan(lost, tmp_path / "two", datasets=files)
    assert summary.made == 1
    assert gather(lost, tmp_path / "two").cells == []
    assert overview(open_board(lost, tmp_path / "two"))[0].failed == 1


def test_a_system_that_cannot_run_does_not_stop_the_others(files: Path, tmp_path: Path) -> None:
    plan = small_plan("refined", "base", seeds=(1,), recipe=Recipe(build={"guided_scale": -1.0}))
    log = Log()
    summary = run_plan(plan, tmp_path, datasets=files, progress=log)
    assert summary.made == 3
    assert len(summary.errors) == 1
    assert "guided_scale must be a positive number" in summary.errors[0]
    assert any(line.startswith("error: small sasrec refined, trial") for line in log.lines)
    assert [cell.system for cell in gather(plan, tmp_path).cells] == ["base"]


def test_records_that_do_not_belong_here_are_refused(files: Path, tmp_path: Path) -> None:
    plan = small_plan("base-plain", seeds=(1,), trials=({"learning_rate": 1e-2},))
    run_plan(plan, tmp_path, datasets=files)
    path = next((tmp_path / "runs").rglob("run-*.json"))
    text = path.read_text()
    path.write_text(text.replace(json.loads(text)["split"], "0" * 64))
    with pytest.raises(DataError, match="made on another split"):
        gather(plan, tmp_path)
    path.write_text(text[:100])
    with pytest.raises(DataError, match="is damaged"):
        gather(plan, tmp_path)
    path.write_text(text)
    path.with_suffix(".npz").unlink()
    with pytest.raises(DataError, match="is damaged"):
        gather(plan, tmp_path)


def test_a_base_whose_store_is_gone_is_named(files: Path, tmp_path: Path) -> None:
    one = ({"learning_rate": 1e-2},)
    run_plan(small_plan("base", seeds=(1,), trials=one), tmp_path, datasets=files)
    (folder,) = (tmp_path / "stores").iterdir()
    folder.rename(tmp_path / "elsewhere")
    summary = run_plan(small_plan("base-warm", seeds=(1,), trials=one), tmp_path)
    (error,) = summary.errors
    assert "which is gone; remove" in error
    assert str(next((tmp_path / "runs/small/sasrec/base").glob("run-*.json"))) in error


def test_what_is_left_is_estimated_from_what_was_measured(files: Path, tmp_path: Path) -> None:
    plan = small_plan("base", "refined", seeds=(1,))
    assert estimate(open_board(plan, tmp_path)) == (0.0, 6)
    run_plan(plan.only(systems=["base"]), tmp_path, datasets=files)
    board = open_board(plan, tmp_path)
    took = {c["kind"]: [] for c in records(tmp_path).values()}
    for content in records(tmp_path).values():
        took[content["kind"]].append(content["seconds"])
    expected = 2 * np.mean(took["trial"]) + took["run"][0]
    assert len(board.left()) == 3
    for workers in (1, 2):
        seconds, unknown = estimate(board, workers)
        assert unknown == 0
        assert seconds == pytest.approx(expected / workers)


def test_impossible_numbers() -> None:
    with pytest.raises(UsageError, match="at least one worker"):
        run_plan(small_plan("base"), Path("nowhere"), workers=0)
