// When each slot was busy, with which job, and in which of the job's steps: from what the coordinator sees and what
// workers say, made consistent. A job begins when the coordinator starts it and ends when the coordinator has its
// answer, so that handing over counts. Where that would let two jobs of a slot overlap (a slot of several in one worker
// has taken the next job while its answer was under way), the later one begins at the end of the earlier one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "pipeline/wire.h"

namespace tessera::pipeline {

struct JobStart {
  std::uint64_t job = 0, image = 0;
  std::uint32_t window = 0, attempt = 0;
  JobKind kind = JobKind::whole;
  std::string source;  // "": an earlier job has read it
};

struct JobTime {
  JobStart start;
  std::uint32_t slot = 0;  // of its worker
  workers::Clock::time_point begin, end;
  workers::Outcome outcome = workers::Outcome::done;
  std::uint64_t cpu_ns = 0;
  /// Wall time by step, in microseconds. A worker's word: cut to what its job took. Of done and declined jobs.
  std::array<std::uint32_t, kPhases> phases_us{};
};

class JobTimes {
 public:
  /// To be called before the job can begin.
  void started(JobStart);
  /// Empty when no such job runs.
  std::optional<JobTime> answered(const workers::Completion&);

 private:
  struct Running {
    JobStart start;
    workers::Clock::time_point begin;
  };
  std::map<std::uint64_t, Running> running_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, workers::Clock::time_point> free_since_;  // (window, slot)
};

}  // namespace tessera::pipeline
