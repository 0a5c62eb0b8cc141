// What `tessera compare costs` measures, how large and how often. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/costs/costs.h"

namespace tessera::pipeline {

struct CostPlan {
  struct Size {
    std::uint64_t bytes = 0;
    workers::costs::Effort effort;
  };
  bool quick = false;
  workers::costs::Effort create;
  std::uint64_t shared_bytes = 0;  // beside a process that forks
  std::vector<Size> parents;       // private memory that is touched before a fork, ascending
  std::vector<Size> frames;        // that are handed over, ascending
  std::string folder;              // for those that go through a file
  std::size_t round_trips = 0;     // of one sample of wake-ups
  workers::costs::Effort wakeup;
  unsigned threads = 0;          // the most that share a counter
  std::uint64_t increments = 0;  // of one sample, by each
  workers::costs::Effort sharing;
  std::uint64_t page_bytes = 0;  // whose pages are written
  workers::costs::Effort pages;
  std::vector<std::string> left_out;  // sentences
};

/// At most a quarter of `free_bytes` is used at a time: what needs more is left out and said. `quick`: under ten
/// seconds on two CPUs, else about a minute. Files in the folder that TMPDIR names, or /tmp.
CostPlan plan_costs(bool quick, std::uint64_t free_bytes, int cpus);

}  // namespace tessera::pipeline
