// The loop, and nothing but the loop: pulls inputs, asks each image's task what it wants, leases memory, starts jobs,
// hands events back, and gives finished images to the publisher. Single-threaded. Parses no image byte, holds no pixel.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/image_task.h"
#include "pipeline/progress.h"
#include "pipeline/publisher.h"
#include "pipeline/route.h"
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
  bool resumed = false;        // rows that are listed in the journal stand
  bool retry_failed = false;
  bool sync = false;                     // outputs and names are on the disk before an item counts as done
  bool marks = false;                    // notes what is begun: a crash ends the program
  std::map<std::string, bool> suspects;  // inputs that were begun when it ended; true: alone
};

struct RunResult {
  Counts counts;
  std::uint64_t messages = 0;
  std::string stopped;       // why it ended early, or empty
  bool environment = false;  // ... and that was not the pictures' fault
};

class Coordinator {
 public:
  Coordinator(std::shared_ptr<const Recipe>, const CoordinatorSettings&, InputSet&, workers::Workforce&, OutputTree&,
              Journal&, const ProductNames&, Progress&);
  ~Coordinator();
  RunResult run();

 private:
  struct Item;
  void pull();
  bool dispatch();
  bool idle_worker() const;
  bool start(Item&, const Work&);
  std::unique_ptr<Item> next_item();
  std::optional<std::uint32_t> choose_worker(const Work&) const;
  void decide_routes();
  void handle(const workers::Event&);
  void settle(Item&);
  void finish(std::unique_ptr<Item>, const Terminal&);
  void fail_input(const Input&, std::int64_t modified_ns, Terminal);
  void on_closed(const FinishedItem&, const std::vector<ProductRow>&);
  void stop(std::string why, bool environment);
  bool settle_earlier(const Input&);
  void pull_suspect();
  void count(Terminal::Kind);
  int total_slots() const;
  TaskSettings task_settings(const Input&) const;
  void wait();

  std::shared_ptr<const Recipe> recipe_;
  CoordinatorSettings settings_;
  InputSet& inputs_;
  workers::Workforce& workforce_;
  OutputTree& tree_;
  Journal& journal_;
  const ProductNames& names_;
  Progress& progress_;
  Publisher publisher_;

  std::multimap<std::uint64_t, Input> ahead_;         // by size: the largest is dispatched first
  std::deque<Input> deferred_;                        // suspects: last and alone
  std::vector<std::unique_ptr<Item>> items_;          // in flight, oldest first
  std::map<std::uint64_t, Item*> jobs_;               // by job id
  std::map<std::uint32_t, std::uint64_t> exclusive_;  // window -> the job that runs alone there
  std::uint64_t next_job_ = 1;
  Item* spreading_ = nullptr;  // at most one image at a time: it may take all memory without anybody waiting for it
  // Memory of recent images: what the first job of the next one is given.
  std::uint64_t usual_block_ = 0, usual_private_ = 0;
  RunResult result_;
};

}  // namespace tessera::pipeline
