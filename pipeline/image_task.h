// One image's life, from the first job to its end: a state machine that says which jobs it would like to run next and
// is told how they came out. It has no clock, no descriptor and no process; whoever runs its jobs decides where and
// when.
//
//   whole ──> declined ──> question ──> answer(whole) ──> whole with enough memory ──> end
//                                  └──> answer(spread) ──> decode ──> bands, resolve, encode, pass by pass ──> end
// What a bad end of a job means is decided in image_task_ends.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/failure.h"
#include "pipeline/limits.h"
#include "pipeline/plan.h"
#include "pipeline/wire.h"
#include "workers/arena.h"

namespace tessera::pipeline {

/// A job that a task wants to run. The job's blocks are: own blocks (leased in the chosen worker's window), then lent
/// ones, then the table (on the board) if it is not empty.
struct Work {
  JobPayload payload;
  std::vector<std::uint64_t> own_blocks;  // bytes; 0: an empty block that keeps its place
  std::vector<workers::Block> lent;
  std::vector<std::byte> table;
  std::uint64_t private_bytes = 0;
  std::vector<std::int32_t> fds;  // kInputFd, or the index of a product (a fresh file each time)
  workers::Limits limits;         // private_bytes among them: what it is granted
  bool alone = false;             // no other job in the same worker
  bool all_memory = false;        // granted all private memory that a job may have
  std::uint32_t prefer_window = 0;
  std::uint32_t attempt = 0;
};
constexpr std::int32_t kInputFd = -1;

struct Terminal {
  enum class Kind : std::uint8_t { done, skipped, failed, quarantined } kind = Kind::done;
  std::string sentence;
  FailReason reason = FailReason::none;
};
std::string_view to_string(Terminal::Kind);

/// What a task has to know before its first job.
struct TaskSettings {
  std::optional<std::uint8_t> input_codec;                       // by the input's extension
  std::uint64_t first_block_bytes = 0, first_private_bytes = 0;  // what the first, hopeful job gets
  std::uint64_t decline_above = 0;  // pixels; more are declined, for the route to be chosen
  std::uint64_t max_pixels = 0;
  TimeLimit time;
  std::uint64_t most_private_bytes = ~std::uint64_t{0};  // that one job may be granted
  bool sync = false;                                     // products are on the disk before a job is done
};

/// Asked when the header is known and the first job was not enough.
struct RouteQuestion {
  stages::Header header;
  ImagePlan whole, spread;                         // complete, sizes assumed where unknown
  bool retry = false;                              // after a crash: whole is preferred, so that one job is to blame
  std::uint64_t need_block = 0, need_private = 0;  // what the whole job itself said it takes
  std::size_t products = 0;
};

struct TaskResult {
  stages::Header header;
  Hash128 source_hash{};
  std::vector<ProductResult> products;  // [recipe output]
  Route route = Route::whole;
  std::optional<FailureBundle> failure;  // of the last bad end; whoever knows names adds the command
  std::uint32_t jobs = 0, crashes = 0;
  std::uint64_t cpu_ns = 0;
};

class ImageTask {
 public:
  ImageTask(std::shared_ptr<const Recipe>, const PlanOptions&, const TaskSettings&);

  /// The job it would like to start next; nullptr: none until something happens. Stable until started() or on().
  const Work* next();
  /// That job runs as `id` in `window`; its leases: own blocks in order (without the empty ones), then what else it
  /// holds.
  void started(std::uint64_t id, std::uint32_t window, std::vector<workers::Lease> leases);
  /// One of its jobs has ended.
  void on(const workers::Completion&);
  /// What a running job says of the work before it: new limits, if it is believed.
  std::optional<workers::Limits> on(const workers::Progress&);
  /// The window's blocks are gone with its worker, whose last words are `output`.
  void lost(std::uint32_t window, std::string_view output = {});

  const RouteQuestion* question() const { return question_ ? &*question_ : nullptr; }
  void answer(Route);
  void give_up(std::string sentence, FailReason);

  /// It has finished work lying in that window.
  bool holds(std::uint32_t window) const;
  /// Jobs whose results nobody needs any more; each is named once.
  std::vector<std::uint64_t> take_cancellations();
  /// Set once nothing of it runs any more.
  const Terminal* terminal() const;
  const TaskResult& result() const { return result_; }
  std::size_t running() const { return running_.size(); }
  bool spreading() const { return state_ == State::spread; }

 private:
  enum class State : std::uint8_t { whole, deciding, spread, ended };
  struct Running {
    JobKind kind;
    std::uint32_t pass, band, window, epoch;
    workers::Limits limits;
    std::vector<workers::Lease> leases;
    std::string last_words;  // of its worker, which is dead
  };
  struct PassState {
    std::int32_t next_band = 0, bands_done = 0;
    std::vector<workers::Lease> bands, parts;  // [band]
    bool resolve_started = false, encode_started = false, done = false;
  };

  void ask(std::uint64_t need_block, std::uint64_t need_private);
  void plan_spread();
  void restart();
  void end(Terminal);
  void crashed(const workers::Completion&, const Running&);
  void timed_out(const workers::Completion&, const Running&);
  void failed(const workers::Completion&, const Running&);
  void note_failure(const workers::Completion&, const Running&);
  std::string where() const;
  void advance(const workers::Completion&, Running&);
  void on_whole(const workers::Completion&);
  void on_spread(const workers::Completion&, Running&);
  void pass_advanced(std::size_t pass);
  void release_frames();
  std::optional<Work> next_spread_work();
  Work base_work(JobKind) const;
  workers::Limits limits_of(std::uint64_t pixels, std::uint64_t steps) const;
  Work band_work(std::size_t pass) const;
  Table table_for(const Pass&) const;
  bool may_start(std::size_t pass) const;

  std::shared_ptr<const Recipe> recipe_;
  PlanOptions options_;
  TaskSettings settings_;
  std::vector<const stages::Codec*> codecs_;

  State state_ = State::whole;
  std::optional<Work> next_;
  std::map<std::uint64_t, Running> running_;
  std::optional<RouteQuestion> question_;
  std::optional<Terminal> terminal_;
  std::vector<std::uint64_t> cancellations_;
  TaskResult result_;
  std::uint32_t attempt_ = 0, changes_ = 0, declines_ = 0, losses_ = 0, stalls_ = 0, shortages_ = 0, misfits_ = 0;
  std::uint32_t epoch_ = 0;      // results of jobs started in an earlier one are ignored
  std::uint32_t blameless_ = 0;  // deaths with jobs from earlier epochs have been counted
  bool alone_ = false, all_memory_ = false;
  std::uint64_t whole_pixels_ = 0;  // 0: not known before the first job
  std::uint64_t whole_block_ = 0, whole_private_ = 0, decline_above_ = 0;
  bool whole_started_ = false;

  // spread
  ImagePlan plan_;
  std::uint64_t decoder_private_ = 0;
  std::vector<PassState> passes_;
  std::vector<workers::Lease> statistics_;  // [statistic], merged
  std::vector<stages::ImageInfo> resolved_;
  std::optional<workers::Lease> decoded_, metadata_;  // frame 0, and the block beside it
  bool decode_started_ = false;
};

}  // namespace tessera::pipeline
