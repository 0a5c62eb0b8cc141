#!/usr/bin/env python3
"""Does `tessera compare` claim what is not so? Two trials of its own statistics, on real runs.

    tests/bench/honesty.py PROGRAM PHOTOS [--trials 20] [--repetitions 3] [--runs 8]

A/A: one configuration under two names, `trials` times: how often the difference is called significant (at most one in
20 at the 1 % level). Repetitions: the four modes compared `repetitions` times: two of them must not call the same pair
significant in opposite directions.
"""
import argparse, itertools, json, subprocess, sys

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("photos")
parser.add_argument("--trials", type=int, default=20)
parser.add_argument("--repetitions", type=int, default=3)
parser.add_argument("--runs", type=int, default=8)
options = parser.parse_args()
job = ["--resize", "1600x1600>", "-s", "sharpen amount=0.5", "-f", "jpeg", "-Q", "82"]


def compare(*words):
    done = subprocess.run([options.program, "compare", options.photos, *job, "--export-json", "-", *words],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)["runs"]


called = 0
for trial in range(options.trials):
    runs = compare("--modes", "none", "--config", "one=-j2", "--config", "other=-j2", "--runs", str(options.runs))
    pair = runs["pairs"][0]
    called += pair["significant"]
    print(f"A/A {trial + 1}: ratio {pair['ratio']['ratio']:.4f}, p {pair['p']:.4f}"
          f"{', called significant' if pair['significant'] else ''}", flush=True)
print(f"A/A: {called} of {options.trials} called significant at {runs['method']['alpha']:.0%}")

claims = []  # of each repetition: (a, b) -> 1: a takes longer
for repetition in range(options.repetitions):
    runs = compare("-j", "1,2,4")
    names = [c["name"] for c in runs["configurations"]]
    claims.append({(names[p["a"]], names[p["b"]]): 1 if p["ratio"]["ratio"] > 1 else -1
                   for p in runs["pairs"] if p["significant"]})
    print(f"repetition {repetition + 1}: {len(claims[-1])} of {len(runs['pairs'])} pairs called significant", flush=True)
opposed = [(pair, i, k) for (i, a), (k, b) in itertools.combinations(enumerate(claims), 2)
           for pair in a.keys() & b.keys() if a[pair] != b[pair]]
for pair, i, k in opposed:
    print(f"contradiction: {pair[0]} against {pair[1]} in repetitions {i + 1} and {k + 1}")
print(f"repetitions: {len(opposed)} contradictions")
sys.exit(0 if called <= max(1, options.trials // 20) and not opposed else 1)
