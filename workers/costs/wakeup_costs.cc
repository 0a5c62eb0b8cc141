#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "workers/costs/bells.h"
#include "workers/costs/costs.h"
#include "workers/costs/cpus.h"
#include "workers/costs/helper.h"
#include "workers/costs/sampling.h"

namespace tessera::workers::costs {
namespace {

struct Kind {
  const char *id, *name;
  std::unique_ptr<Bell> (*make)();
};
constexpr Kind kBetweenProcesses[] = {{"pipe", "pipe", pipe_bell},
                                      {"seqpacket", "seqpacket socket", packet_bell},
                                      {"eventfd", "eventfd", event_bell},
                                      {"futex", "futex", futex_bell}};
constexpr Kind kBetweenThreads = {"condvar", "condition variable (threads)", condvar_bell};

struct Place {
  const char *id, *name;
  int near_cpu, far_cpu;
};

/// There and back.
struct Bells {
  explicit Bells(const Kind& kind) : there(kind.make()), back(kind.make()) {}
  std::unique_ptr<Bell> there, back;

  /// What the other end does, until it is told to stop.
  void answer(const std::atomic<bool>& stop) const {
    for (;;) {
      there->wait();
      if (stop) return;
      back->ring();
    }
  }
  double seconds_one_way(std::size_t round_trips) const {
    const double start = now_s();
    for (std::size_t i = 0; i < round_trips; ++i) {
      there->ring();
      back->wait();
    }
    return (now_s() - start) / static_cast<double>(2 * round_trips);
  }
};

/// The thread at the other end of a pair of bells.
class AnsweringThread {
 public:
  AnsweringThread(const Bells& bells, int cpu)
      : bells_(bells), thread_([this, cpu] {
          stay_on(cpu);
          bells_.answer(stop_);
        }) {}
  ~AnsweringThread() {
    stop_ = true;
    bells_.there->ring();
    thread_.join();
  }
  AnsweringThread(const AnsweringThread&) = delete;
  AnsweringThread& operator=(const AnsweringThread&) = delete;

 private:
  const Bells& bells_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

Measured measure_at(const Place& place, std::size_t round_trips, const Effort& effort) {
  stay_on(place.near_cpu);
  std::deque<Bells> bells;
  std::deque<Peer> peers;  // all forked before there is a thread; killed when they go
  std::vector<Measure> measures;
  const std::atomic<bool> never = false;
  const auto measure = [&](const Kind& kind) {
    const Bells& pair = bells.emplace_back(kind);
    measures.push_back({std::string(kind.id) + "-" + place.id, std::string(kind.name) + ", " + place.name, 0,
                        [&pair, round_trips] { return pair.seconds_one_way(round_trips); }});
    return &pair;
  };
  for (const Kind& kind : kBetweenProcesses) {
    const Bells* const pair = measure(kind);
    peers.emplace_back([pair, &place, &never] {
      stay_on(place.far_cpu);
      pair->answer(never);
    });
  }
  const AnsweringThread thread(*measure(kBetweenThreads), place.far_cpu);
  Measured measured;
  measured.rows = sample_in_turn(measures, effort);
  return measured;
}

}  // namespace

Measured wakeup_costs(std::size_t round_trips, const Effort& effort) {
  const std::vector<int> cpus = cpus_to_choose_from();
  Measured measured;
  if (cpus.empty()) {
    measured.left_out.push_back(
        "Wake-ups: a process may not choose its CPU here, so nobody could say what was measured.");
    return measured;
  }
  std::vector<Place> places{{"one-cpu", "one CPU", cpus.front(), cpus.front()}};
  if (cpus.size() > 1)
    places.push_back({"two-cpus", "two CPUs", cpus.front(), cpus[1]});
  else
    measured.left_out.push_back("Wake-ups across two CPUs: this process may use one only.");
  for (const Place& place : places)
    for (Series& row : in_helper([&] { return measure_at(place, round_trips, effort); }).rows)
      measured.rows.push_back(std::move(row));
  return measured;
}

}  // namespace tessera::workers::costs
