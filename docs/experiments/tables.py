#!/usr/bin/env python3
"""Makes the tables of docs/experiments/*.md from runs.csv, so that no figure is typed twice.

    docs/experiments/tables.py            # rewrites them
    docs/experiments/tables.py --check    # fails if they are not what runs.csv says

A table stands between `<!-- table NAME -->` and `<!-- end -->`; `TABLES` says which runs it shows and
what of them. The standard library is enough.
"""

import argparse
import csv
import re
import sys
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATASETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
SPLITS = {"held-out", "test", "training"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()

    runs = read()
    stale, shown = [], set()
    for path in sorted(HERE.glob("*.md")):
        before = path.read_text()
        after = filled(before, runs, shown)
        if after != before:
            stale.append(path)
            if not args.check:
                path.write_text(after)
    for path in stale:
        print(path.name, "is not" if args.check else "was not", "up to date")
    missing = [name for name in TABLES if name not in shown]
    for name in missing:
        print(f"no page shows the table {name}")
    unseen = [run for run in runs.values() if not run.get("shown")]
    for run in unseen:
        print(f"no table shows the run {run['id']}")
    sys.exit(1 if missing or unseen or (args.check and stale) else 0)


def read():
    """The runs by their ids."""
    with open(HERE / "runs.csv", newline="") as file:
        runs = list(csv.DictReader(file))
    for run in runs:
        if run["split"] not in SPLITS:
            sys.exit(f"{run['id']}: no split is called {run['split']!r}")
    by_id = {run["id"]: run for run in runs}
    if len(by_id) != len(runs):
        sys.exit("two runs have the same id")
    return by_id


def filled(page, runs, shown):
    def table(match):
        name = match[1]
        shown.add(name)
        which, columns = TABLES[name]
        chosen = which(runs)
        for run in chosen:
            run["shown"] = True
        rows = [[cell(run) for _, cell in columns] for run in chosen]
        head = [name for name, _ in columns]
        lines = [line(head), line(["---"] * len(head)), *map(line, rows)]
        return "\n".join([f"<!-- table {name} -->", *lines, "<!-- end -->"])

    return re.sub(r"<!-- table (\S+) -->\n.*?<!-- end -->", table, page, flags=re.DOTALL)


def line(cells):
    return "| " + " | ".join(cells) + " |"


# Which runs a table shows.


def question(*names):
    return lambda runs: [run for run in runs.values() if run["question"] in names]


def ids(text):
    return lambda runs: [runs[id] for id in text.split()]


# What it shows of them.


def percent(share):
    """A fraction in percent, with the digits that it has."""
    if share == "":
        return "–"
    value = Decimal(share) * 100
    return f"{value:.{max(0, -Decimal(share).as_tuple().exponent - 2)}f} %"


def field(name):
    return lambda run: run[name] or "–"


def share(name):
    return lambda run: percent(run[name])


def noted(key, show=lambda value: value):
    """What the note says after `key=`."""

    def cell(run):
        found = re.search(rf"(?:^|; ){key}=([^;]+)", run["note"])
        return show(found[1]) if found else "–"

    return cell


def said(run):
    """The note without what stands in columns of its own."""
    parts = [part for part in run["note"].split("; ") if not re.match(r"[a-z_]+=", part)]
    return "; ".join(parts)


def overrides(run):
    """By their names; what the value is may hold an equals sign."""
    found = re.findall(r"(\w+)=(\S+)", run["overrides"])
    return dict(found)


def hyperparameter(name):
    """Its value in this run; where it is not overridden, the preset's."""
    return lambda run: overrides(run).get(name, "preset").strip("[]").replace(",", "-")


def settings(run):
    return run["overrides"] and "`" + run["overrides"] + "`"


def dataset(run):
    return f"{DATASETS[run['dataset']]}, ε = {run['epsilon']}"


CLEAN = ("clean", share("clean"))
IBP = ("certified (IBP)", share("certified_ibp"))
TRAINED = ("clean on the training images", noted("train_clean", percent))
SECONDS = ("seconds", noted("seconds"))
WEIGHTS = ("weights at the end", noted("weights", lambda n: f"{int(n):,}"))
RUN = ("run", lambda run: f"`{run['id']}`")
DATA = ("data set", dataset)
EPOCHS = ("epochs", field("epochs"))
SEED = ("seed", field("seed"))
PRESET = ("preset", lambda run: run["preset"] and f"`{run['preset']}`")
SETTINGS = ("`--set`", settings)
NOTE = ("note", said)


def columns(*names):
    """A column for each hyperparameter."""
    return [(f"`{name}`", hyperparameter(name)) for name in names]


CANDIDATE = [RUN, PRESET, SETTINGS, SEED, EPOCHS, ("split", field("split")), CLEAN, IBP, NOTE]


def candidates(name, epsilon):
    def which(runs):
        rows = question("candidates")(runs)
        return [run for run in rows if (run["dataset"], run["epsilon"]) == (name, epsilon)]

    return which


TABLES = {
    "candidates-mnist-0.3": (candidates("mnist", "0.3"), CANDIDATE),
    "candidates-mnist-0.1": (candidates("mnist", "0.1"), CANDIDATE),
    "candidates-fashion-mnist-0.1": (candidates("fashion-mnist", "0.1"), CANDIDATE),
    "finetuning-test": (
        ids(
            "m3-standard m3-standard-ft40 m3-standard-ft128 m1-standard m1-standard-ft "
            "f-fashion f-fashion-ft f-fashion-ft128 f-F f-D f-E"
        ),
        [RUN, DATA, EPOCHS, CLEAN, IBP, NOTE],
    ),
    "finetuning-held-out": (question("finetuning"), [RUN, DATA, PRESET, SETTINGS, CLEAN, IBP, NOTE]),
    "finetuning-epsilon-train": (
        question("finetuning-epsilon-train"),
        [RUN, *columns("epsilon_train"), CLEAN, IBP, NOTE],
    ),
    "prune-tolerance": (
        question("prune-tolerance"),
        [
            *columns("prune_from_epoch", "prune_tolerance"),
            WEIGHTS,
            ("loss at the end", noted("loss")),
            CLEAN,
            IBP,
        ],
    ),
    "prune-while-training": (
        ids("ft-f-before ft-f-after prune-gradual"),
        [RUN, EPOCHS, CLEAN, IBP, NOTE],
    ),
    "growth-wide": (
        question("growth-wide"),
        [*columns("epochs_growth"), SECONDS, WEIGHTS, TRAINED, CLEAN, IBP],
    ),
    "growth-presets": (
        ids(
            "look-growth-9 look-growth-20 look-growth-40 look-fashion-growth-9 look-fashion-growth-20 "
            "tol-1e-6 quick-growth-20 quick-growth-30 quick-growth-75"
        ),
        [PRESET, *columns("epochs_growth"), SEED, SECONDS, CLEAN, IBP],
    ),
    "growth-finetuning": (
        question("growth-finetuning"),
        [*columns("p_start", "epochs_growth"), CLEAN, IBP],
    ),
    "more-epochs-at-8": (
        question("more-epochs-at-8"),
        [*columns("epochs_start", "prune_from_epoch"), SECONDS, CLEAN, IBP, NOTE],
    ),
    "ensemble-size": (
        question("ensemble-size", "ensemble-wide"),
        [("members", noted("members")), *columns("hidden"), ("mean over", said), CLEAN, IBP],
    ),
    "ensemble-mnist": (
        question("ensemble-mnist"),
        [
            ("members", noted("members")),
            CLEAN,
            ("certified (Lipschitz)", share("certified_lipschitz")),
        ],
    ),
    "width": (
        question("width"),
        [DATA, *columns("hidden", "epsilon_train"), EPOCHS, CLEAN, IBP],
    ),
    "depth": (
        ids("depth-1 short-0.02-128-1000 short-0.05-128-1000 depth-3 depth-4"),
        [RUN, *columns("hidden", "learning_rate"), CLEAN, IBP],
    ),
    "random-shift": (
        ids(
            "short-0.05-64-200 shift-quick-mnist-0 look-0.08 shift-look-mnist-0 "
            "shift-quick-fashion-mnist-1 shift-quick-fashion-mnist-0 "
            "shift-look-fashion-mnist-1 shift-look-fashion-mnist-0 "
            "init-mnist-signed_identity shift-1024-mnist-0 "
            "shift-1024-fashion-mnist-1 init-fashion-mnist-signed_identity"
        ),
        [DATA, PRESET, *columns("hidden", "images", "random_shift"), CLEAN, IBP],
    ),
    "random-shift-probability": (
        question("random-shift-probability", "random-shift-probability-wide"),
        [*columns("hidden", "random_shift_probability", "epsilon_train"), TRAINED, CLEAN, IBP, NOTE],
    ),
    "weight-init": (
        question("weight-init"),
        [DATA, *columns("hidden", "weight_init"), TRAINED, CLEAN, IBP, NOTE],
    ),
    "short-runs": (
        question("short-runs"),
        [*columns("learning_rate", "batch", "p_end"), CLEAN, IBP],
    ),
    "short-runs-fashion": (
        ids(
            "short-f-15-0.02-128 short-f-15-0.03-128 short-f-15-0.05-128 shift-quick-fashion-mnist-1 "
            "short-f-15-0.05-256 short-f-30-0.025-128 short-f-30-0.05-128 short-f-30-0.025-64"
        ),
        [RUN, EPOCHS, *columns("learning_rate", "batch"), CLEAN, IBP],
    ),
    "short-runs-look": (
        question("short-runs-look"),
        [*columns("learning_rate", "p_end", "epochs_growth"), SEED, CLEAN, IBP, NOTE],
    ),
    "epsilon-train-0.3": (
        ids("eps-0.45 eps-0.4 short-0.02-128-1000 eps-0.33"),
        [*columns("epsilon_train"), CLEAN, IBP],
    ),
    "epsilon-train-0.1": (
        ids(
            "eps-mnist-0.3 eps-mnist-0.25 eps-mnist-0.2 eps-mnist-0.15 eps-mnist-0.125 eps-mnist-0.1 "
            "eps-fashion-mnist-0.2 shift-quick-fashion-mnist-1 eps-fashion-mnist-0.125"
        ),
        [DATA, *columns("epsilon_train"), CLEAN, IBP],
    ),
    "small-changes": (
        ids(
            "short-0.05-128-1000 change-lambda-end change-lambda-start change-6-7 change-p12 change-p4"
        ),
        [RUN, SETTINGS, CLEAN, IBP, NOTE],
    ),
    "baselines": (
        question("baseline"),
        [RUN, EPOCHS, ("split", field("split")), CLEAN, ("under PGD", noted("empirical", percent)), IBP],
    ),
}


if __name__ == "__main__":
    main()
