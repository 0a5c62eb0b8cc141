// The loop, and nothing but the loop: pulls inputs, asks each image's task what it wants, leases memory, starts jobs,
// hands events back, and gives finished images to the publisher. Single-threaded. Parses no image byte, holds no pixel.
// What leaves the loop as an exception, a second signal or a tripped breaker ends a run in order, too: workers are
// killed, finished images are published, the others get no row.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/breaker.h"
#include "pipeline/image_task.h"
#include "pipeline/progress.h"
#include "pipeline/publisher.h"
#include "pipeline/quarantine.h"
#include "pipeline/readahead.h"
#include "pipeline/recycling.h"
#include "pipeline/route.h"
#include "pipeline/signals.h"
#include "pipeline/trace.h"
#include "workers/executor.h"

namespace tessera::pipeline {

struct CoordinatorSettings {
  Tiling tiling = Tiling::automatic;
  PlanOptions plan;
  std::uint64_t max_pixels = 0;
  std::uint64_t max_failures = 0;  // 0: no limit; the run stops when it is reached
  std::uint64_t total = 0;         // inputs, for the ETA; 0: not known
  OnExist on_exist = OnExist::error;
  Originals originals;         // every input, where outputs may replace files
  bool names_checked = false;  // output names were compared with each other before the run
  bool resumes = false;        // --resume: outputs that are there may be this run's
  bool resumed = false;        // rows that are listed in the journal stand
  bool retry_failed = false;
  bool sync = false;                     // outputs and names are on the disk before an item counts as done
  bool marks = false;                    // notes what is begun: a crash ends the program
  std::map<std::string, bool> suspects;  // inputs that were begun when it ended; true: alone
  TimeLimit time;
  std::uint64_t most_private_bytes = 0;  // that one job may be granted; 0: all of the budget
  std::size_t breaker = 8;               // deaths in a row that stop the run; 0: never
  std::uint64_t recycle = 0;             // images that one worker opens; 0: any number
  std::string quarantine;                // folder; "": none
  std::string flags_again = "-j 1";      // for command_again()
  const SignalWatch* signals = nullptr;
  Injection injection;
  Trace* trace = nullptr;
};

struct RunResult {
  Counts counts;
  std::uint64_t messages = 0;
  workers::Clock::duration publishing{};  // by the clock
  std::string stopped;       // why it ended early, or empty
  bool environment = false;  // ... and that was not the pictures' fault
  int signal = 0;            // ... that came from outside
};

class Coordinator {
 public:
  Coordinator(std::shared_ptr<const Recipe>, const CoordinatorSettings&, InputSet&, workers::Workforce&, OutputTree&,
              Journal&, const ProductNames&, Progress&);
  ~Coordinator();
  RunResult run();

 private:
  struct Item;
  struct Started {
    Item* item = nullptr;
    std::uint32_t window = 0;
    std::uint64_t private_bytes = 0;  // of its limits
  };
  void loop();
  void heed_signals();
  void abandon();
  void abort(std::string why);
  bool may_go_on_without_descriptors(const std::string& why);
  void retire_due();
  void note_end(const workers::Completion&, const Started&);
  std::uint64_t granted(const Work&) const;
  void put_aside(const Item&, const Terminal&, const FailureBundle&);
  void pull();
  bool dispatch();
  bool all_workers_idle() const;
  bool may_open(const workers::Executor::Worker&) const;
  void announce_inputs();
  bool leaves_slots_idle(const Input&) const;
  bool isolated() const;
  enum class Start : std::uint8_t { started, not_now, busy };  // busy: the one worker that could do it
  Start start(Item&, const Work&);
  Start start_first(Item&);
  bool leaves_spare(std::span<const workers::Want>, std::uint64_t spare) const;
  std::unique_ptr<Item> next_item();
  std::optional<std::uint32_t> choose_worker(const Item&, const Work&) const;
  void decide_routes();
  std::string too_little_memory(const RouteQuestion&) const;
  void handle(const workers::Event&);
  void handle_last(const workers::Event&);
  void settle(Item&);
  void finish(std::unique_ptr<Item>, const Terminal&);
  void fail_input(const Input&, std::int64_t modified_ns, Terminal);
  void on_closed(const FinishedItem&, const std::vector<ProductRow>&);
  void say_failure(const FinishedItem&);
  void stop(std::string why, bool environment);
  void unmark(const Item&) noexcept;
  bool settle_earlier(const Input&);
  void pull_suspect();
  void count(Terminal::Kind);
  int total_slots() const;
  TaskSettings task_settings(const Input&) const;
  bool may_pull_now() const;
  void wait();
  std::size_t hear(workers::Clock::time_point until, void (Coordinator::*take)(const workers::Event&));

  std::shared_ptr<const Recipe> recipe_;
  CoordinatorSettings settings_;
  InputSet& inputs_;
  workers::Workforce& workforce_;
  OutputTree& tree_;
  Journal& journal_;
  const ProductNames& names_;
  Progress& progress_;
  Trace no_trace_{""};
  Trace& trace_;
  Publisher publisher_;

  std::multimap<std::uint64_t, Input> ahead_;  // by size: the largest is dispatched first
  Readahead readahead_{64 << 20};
  bool more_inputs_ = true;                           // the last pull() did not come to an end of what is there
  std::deque<Input> deferred_;                        // suspects: last and alone
  std::vector<std::unique_ptr<Item>> items_;          // in flight, oldest first
  std::map<std::uint64_t, Started> jobs_;             // by job id
  std::map<std::uint32_t, std::uint64_t> exclusive_;  // window -> the job that runs alone there
  std::uint64_t next_job_ = 1;
  Item* spreading_ = nullptr;  // at most one image at a time: it may take all memory without anybody waiting for it
  // Memory of recent images: what the first job of the next one is given.
  std::uint64_t usual_block_ = 0, usual_private_ = 0;
  Breaker breaker_;
  Recycling recycling_;
  Quarantine quarantine_;
  std::uint64_t deaths_ = 0;    // of workers
  std::string no_descriptors_;  // why the last dispatch could open nothing, if it was for that
  workers::Clock::time_point drain_until_ = workers::Clock::time_point::max();
  RunResult result_;
};

}  // namespace tessera::pipeline
