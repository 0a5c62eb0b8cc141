#!/usr/bin/python3
"""What a job costs when its picture costs nothing.

    tests/bench/small_jobs.py BUILD_FOLDER [--jobs 5000] [--rounds 5]

First messages alone: jobs a second through 64 workers and through 2. Then whole runs over copies of one tiny picture, with
files, hashes and the journal: where --stats says that the time goes, and the coordinator's CPU time a job.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile

from comparison import measure

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("build")
parser.add_argument("--jobs", type=int, default=5000)
parser.add_argument("--rounds", type=int, default=5)
options = parser.parse_args()
bench = os.path.join(options.build, "tests", "bench")
work = tempfile.mkdtemp(prefix="tessera-small-", dir="/var/tmp")
folders = 0


def dispatch(mode, workers, threads, sleep_us, jobs):
    words = [os.path.join(bench, "tessera_dispatch_rate"), mode, *map(str, (workers, threads, sleep_us, jobs))]
    return lambda: json.loads(measure.timed(words).output)


def whole_run(pictures, *mode):
    def run():
        global folders
        folders += 1
        words = [os.path.join(options.build, "tessera"), "run", pictures, "-o", os.path.join(work, f"out{folders}"), "-q",
                 "--json", "--stats", *mode]
        return json.loads(measure.timed(words).output)
    return run


def median(values):
    return statistics.median(values)


pictures = os.path.join(work, "in")
os.makedirs(pictures)
first = os.path.join(pictures, "p00000.png")
subprocess.run([os.path.join(bench, "tessera_make_picture"), first, "8", "8"], check=True)
for i in range(1, options.jobs):
    shutil.copy(first, os.path.join(pictures, f"p{i:05}.png"))

jobs = 20 * options.jobs
messages = {"64 processes, 1 ms of sleep": dispatch("processes", 64, 1, 1000, jobs),
            "64 processes, nothing": dispatch("processes", 64, 1, 0, jobs),
            "2 processes, nothing": dispatch("processes", 2, 1, 0, jobs),
            "2 threads, nothing": dispatch("threads", 1, 2, 0, jobs)}
runs = {"-j2": whole_run(pictures, "-j2"), "-j2 --sandbox off": whole_run(pictures, "-j2", "--sandbox", "off"),
        "--mode threads -j2": whole_run(pictures, "--mode", "threads", "-j2"),
        "--mode serial": whole_run(pictures, "--mode", "serial")}
results, failed = measure.interleaved({**messages, **runs}, options.rounds, 1, measure.say)
for error in failed.values():
    raise error

print("| messages alone | jobs/s | CPU us a job, coordinator | workers |\n|---|---|---|---|")
for name in messages:
    rows = results[name]
    print(f"| {name} | {measure.spread([r['jobs_per_second'] for r in rows], 0)} | "
          f"{median(r['own_cpu_us'] for r in rows):.1f} | {median(r['worker_cpu_us'] for r in rows):.1f} |")
print("\n| files and journal, us a job | by the clock | CPU, coordinator | CPU, jobs | publishing and journal |"
      " handing over | steps | waiting |\n|---|---|---|---|---|---|---|---|")
for name in runs:
    def each(value):
        return f"{1e6 / options.jobs * median(value(r, r['stats']) for r in results[name]):.0f}"

    other = ("handing_over", "waiting", "unsuccessful")
    print(f"| {name} | {each(lambda r, s: r['seconds'])} | {each(lambda r, s: s['coordinator_cpu'])} | "
          f"{each(lambda r, s: s['job_cpu'])} | {each(lambda r, s: s['publishing'])} | "
          f"{each(lambda r, s: s['seconds']['handing_over'])} | "
          f"{each(lambda r, s: sum(v for k, v in s['seconds'].items() if k not in other))} | "
          f"{each(lambda r, s: s['seconds']['waiting'])} |")
shutil.rmtree(work)
