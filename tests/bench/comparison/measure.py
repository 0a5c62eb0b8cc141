"""Running commands: by the clock, by CPU time and by memory; interleaved in random order; spread of what came out."""
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass


class CommandFailed(Exception):
    pass


@dataclass
class Timed:
    seconds: float
    cpu: float  # of the command and of every child that it waited for
    output: str
    peak: int = 0  # bytes; 0: nobody looked


def timed(words, memory=False, environment=None):
    """Runs a command. With `memory` somebody looks at it all the time: its seconds are not for comparing."""
    begun = time.perf_counter()
    try:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **(environment or {})})
    except OSError as error:
        raise CommandFailed(str(error)) from error
    watch = PeakMemory(process.pid) if memory else None
    if watch:
        watch.start()
    pipes = {}

    def drain(name, pipe):
        pipes[name] = pipe.read()

    readers = [threading.Thread(target=drain, args=(name, pipe))
               for name, pipe in (("out", process.stdout), ("err", process.stderr))]
    for reader in readers:
        reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    for reader in readers:
        reader.join()
    if watch:
        watch.stop = True
        watch.join()
    if process.returncode != 0:
        raise CommandFailed(f"{' '.join(words)[:500]}\nexit code {process.returncode}\n{pipes['err'][-2000:]}")
    return Timed(seconds, usage.ru_utime + usage.ru_stime, pipes["out"], watch.peak if watch else 0)


class PeakMemory(threading.Thread):
    """Private memory (PSS less shared memory) of a process and all below it, plus the blocks of its windows: memory
    files, whose pages may be mapped by nobody."""

    INTERVAL_S = 0.01

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.stop = pid, 0, False

    def tree(self):
        pids = [self.pid]
        for pid in pids:
            try:
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/children") as file:
                        pids += [int(child) for child in file.read().split()]
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has just ended
        return pids

    @staticmethod
    def private_bytes(pid):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                fields = {words[0]: int(words[1]) for words in map(str.split, file) if len(words) == 3}
            return (fields["Pss:"] - fields["Pss_Shmem:"]) * 1024
        except (FileNotFoundError, ProcessLookupError, KeyError, PermissionError):
            return 0  # it has just ended

    def window_bytes(self):
        total, seen = 0, set()
        try:
            for fd in os.listdir(f"/proc/{self.pid}/fd"):
                path = f"/proc/{self.pid}/fd/{fd}"
                if os.readlink(path).startswith("/memfd:"):
                    status = os.stat(path)
                    total += 0 if status.st_ino in seen else status.st_blocks * 512
                    seen.add(status.st_ino)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            pass
        return total

    def sample(self):
        return self.window_bytes() + sum(self.private_bytes(pid) for pid in self.tree())

    def run(self):
        while not self.stop:
            self.peak = max(self.peak, self.sample())
            time.sleep(self.INTERVAL_S)


def interleaved(ways, rounds, seed, say=None):
    """ways: name -> function. Calls each once a round, in an order that the seed repeats. name -> results by round. A way
    that fails is left out from then on, and said: name -> CommandFailed."""
    order_of = random.Random(seed)
    results = {name: [] for name in ways}
    failed = {}
    for round_number in range(rounds):
        order = [name for name in ways if name not in failed]
        order_of.shuffle(order)
        for name in order:
            try:
                results[name].append(ways[name]())
            except CommandFailed as error:
                failed[name] = error
                results.pop(name)
        if say:
            say(f"round {round_number + 1} of {rounds}")
    return results, failed


def spread(values, digits=3):
    values = sorted(values)
    return f"{statistics.median(values):.{digits}f} [{values[0]:.{digits}f}, {values[-1]:.{digits}f}]"


def summary(values):
    values = sorted(values)
    return {"median": statistics.median(values), "least": values[0], "most": values[-1], "count": len(values)}


def say(text):
    print(text, file=sys.stderr, flush=True)
