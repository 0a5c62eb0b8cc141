"""Documents at the edges of what a report must show, made of the sample: edge_documents.py SAMPLE.json FOLDER"""
import copy
import json
import pathlib
import sys

HOSTILE = ["<script>alert(1)</script>", '"><img src=http://127.0.0.1/x onerror=alert(1)>',
           "Ampersand & Söhne &lt;",
           "שלום עולם", "مرحبا", "\u202ereversed", "\ufffd\ufffd no UTF-8", "a/b~c " + "long" * 20, "--><!--", "写真の処理"]
FORMAT = {"schema", "id", "x", "mode", "kind", "fault", "cache"}


def poison(value, counter, key=""):
    if isinstance(value, dict):
        return {k: poison(v, counter, k) for k, v in value.items()}
    if isinstance(value, list):
        return [poison(v, counter, key) for v in value]
    if not isinstance(value, str) or key in FORMAT:
        return value
    counter[0] += 1
    return HOSTILE[counter[0] % len(HOSTILE)] + " " + value


def one(sample):
    """One configuration, nothing to compare it with, no other section."""
    for section in ("costs", "faults", "balance"):
        del sample[section]
    runs = sample["runs"]
    del runs["configurations"][1:]
    runs.update(pairs=[], scaling=[])
    return sample


def many(sample):
    """Thirty configurations with every pair, one with a long name, intervals of no width."""
    runs = sample["runs"]
    few = runs["configurations"]
    runs["configurations"] = [copy.deepcopy(few[i % len(few)]) for i in range(30)]
    for i, configuration in enumerate(runs["configurations"]):
        configuration["name"] += f" of {i}" + (" with a name that goes on and on" * 3 if i == 7 else "")
        configuration["wall_s"]["low"] = configuration["wall_s"]["high"] = configuration["wall_s"]["median"]
    pair = runs["pairs"][0]
    runs["pairs"] = [{**pair, "a": a, "b": b} for a in range(30) for b in range(a + 1, 30)]
    return sample


def gaps(sample):
    """Only what the schema requires, and null where it may be; no runs, no set."""
    del sample["runs"], sample["set"]
    sample["machine"] = {k: sample["machine"][k] for k in ("cpu", "cpus", "kernel", "memory_bytes", "load_before")}
    for row in sample["faults"]["rows"]:
        row["signal"] = row["exit_code"] = None
        row.pop("said", None)
    for group in sample["costs"]["groups"]:
        group.pop("rows", None)
    for way in sample["balance"]["ways"]:
        way.pop("busy", None)
    return sample


def main():
    path, folder = sys.argv[1:]
    text = pathlib.Path(path).read_text(encoding="utf-8")
    documents = {"sample": json.loads(text), "hostile": poison(json.loads(text), [0]), "one": one(json.loads(text)),
                 "many": many(json.loads(text)), "gaps": gaps(json.loads(text))}
    for name, document in documents.items():
        (pathlib.Path(folder) / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")


main()
