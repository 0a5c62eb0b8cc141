// One image's life, from the first job to its end: a state machine that says which jobs it would like to run next and
// is told how they came out. It has no clock, no descriptor and no process; whoever runs its jobs decides where and
// when.
//
//   whole ──> declined ──> question ──> answer(whole) ──> whole with enough memory ──> end
//                                  └──> answer(spread) ──> parts ──> bands ──> encoding, all at the same time ──> end
// Spread: the decoder's frame comes in parts (image_task_parts.cc), bands start as soon as their rows are there, a
// product's encoder takes bands as they come (image_task_spread.cc). Decoder and encoder live in the worker that began
// them until their last part, or until a job drops them. What a bad end of a job means: image_task_ends.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/failure.h"
#include "pipeline/limits.h"
#include "pipeline/plan.h"
#include "pipeline/spread_grid.h"
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
  std::uint64_t kept_bytes = 0;   // private, too, and held beyond the job's end
  std::uint64_t spare_bytes = 0;  // of the budget must be left once it has its memory
  std::vector<std::int32_t> fds;  // kInputFd, or the index of a product
  bool fresh_files = true;        // products begin; else they go on in the files they have
  workers::Limits limits;         // private_bytes among them: what it is granted
  bool opens = false;             // reads a file that its worker has perhaps not read yet
  bool alone = false;             // no other job in the same worker
  bool all_memory = false;        // granted all private memory that a job may have
  std::uint32_t prefer_window = 0, avoid_window = 0;
  std::uint32_t only_window = 0;  // 0: any
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
  std::uint64_t image = 0;                               // unique in a run
  std::int32_t slots = 1;                                // in all: how far parts and bands may run ahead
};

/// Asked when the header is known and the first job was not enough.
struct RouteQuestion {
  stages::Header header;
  ImagePlan whole, spread;                         // complete, sizes assumed where unknown
  bool retry = false;                              // after a crash: whole is preferred, so that one job is to blame
  bool tail = false;                               // other slots would be idle: spread where that is faster
  std::uint64_t need_block = 0, need_private = 0;  // what the whole job itself said it takes
  std::vector<const stages::Codec*> products;      // [output]
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

  /// The jobs that it would start now, the most wanted first: any of them may be started, none needs another. Empty:
  /// none until something happens. Stable until started(), on(), lost() or answer().
  std::span<const Work> wishes();
  /// That wish runs as `id` in `window`; its leases: own blocks in order (without the empty ones), the kept bytes if
  /// there are any, then what else it holds.
  void started(const Work&, std::uint64_t id, std::uint32_t window, std::vector<workers::Lease> leases);
  /// One of its jobs has ended.
  void on(const workers::Completion&);
  /// What a running job says of the work before it: new limits, if it is believed.
  std::optional<workers::Limits> on(const workers::Progress&);
  /// The window's blocks are gone with its worker, whose last words are `output`.
  void lost(std::uint32_t window, std::string_view output = {});

  const RouteQuestion* question() const { return question_ ? &*question_ : nullptr; }
  void answer(Route);
  void give_up(std::string sentence, FailReason);

  /// It has finished work lying in that window, or a decoder or encoder there.
  bool holds(std::uint32_t window) const;
  /// Private memory of its decoder and encoders in that window's worker.
  std::uint64_t kept_bytes(std::uint32_t window) const;
  /// Jobs whose results nobody needs any more; each is named once.
  std::vector<std::uint64_t> take_cancellations();
  /// Set once nothing of it runs or is kept any more.
  const Terminal* terminal() const;
  const TaskResult& result() const { return result_; }
  std::size_t running() const { return running_.size(); }
  bool spreading() const { return state_ == State::spread; }

 private:
  enum class State : std::uint8_t { whole, deciding, spread, ended };
  struct Running {
    JobKind kind;
    std::uint32_t pass, band, band_end, window, epoch;
    workers::Limits limits;
    std::vector<workers::Lease> leases;
    std::string last_words;  // of its worker, which is dead
  };
  struct KeptThere {  // a decoder or an encoder between two of its jobs
    std::uint32_t window = 0;
    std::uint64_t bytes = 0;
    workers::Lease lease;
  };
  struct PartState {
    workers::Lease lease;
    bool started = false, done = false;
  };
  struct PassState {
    std::int32_t next_band = 0, bands_done = 0;
    std::vector<workers::Lease> bands, parts;  // [band]
    std::vector<bool> rendered;                // [band]
    std::vector<Rows> needs;                   // [band] of the pass's input
    std::optional<KeptThere> encoder;
    std::int32_t encoded = 0;  // bands
    bool encoding = false;     // a job does
    bool resolve_started = false, done = false;
  };

  void ask(std::uint64_t need_block, std::uint64_t need_private);
  void plan_spread();
  void adopt_plan();
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
  void on_decoded(const CompletionPayload&, Running&);
  void on_band(Running&);
  void on_resolved(const CompletionPayload&, Running&);
  void on_encoded(const CompletionPayload&, const Running&);
  bool same_input(const CompletionPayload&);
  void input_changed(std::string sentence);
  void release_frames();
  void release_rows();
  void drop_kept();
  void add_spread_wishes();
  void add_encode_wish(std::size_t pass);
  void add_decode_wishes();
  void add_hash_wish();
  void add_band_wish(std::size_t pass);
  Work resolve_work(std::size_t pass) const;
  std::int32_t bands_ready(std::size_t pass) const;
  bool rows_ready(Rows) const;
  std::int32_t oldest_unrendered() const;
  std::uint64_t encoder_bytes(const Pass&) const;
  Work base_work(JobKind) const;
  workers::Limits limits_of(std::uint64_t pixels, std::uint64_t steps) const;
  Table table_for(const Pass&, Rows) const;
  bool may_start(std::size_t pass) const;

  std::shared_ptr<const Recipe> recipe_;
  PlanOptions options_;
  TaskSettings settings_;
  std::vector<const stages::Codec*> codecs_;

  State state_ = State::whole;
  std::vector<Work> wishes_;
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
  PartGrid grid_;
  std::vector<PartState> parts_;  // of frame 0
  std::vector<PassState> passes_;
  std::vector<workers::Lease> statistics_;  // [statistic], merged
  std::vector<stages::ImageInfo> resolved_;
  std::optional<workers::Lease> metadata_;
  std::optional<KeptThere> decoder_;
  std::vector<KeptThere> dropped_;  // of earlier epochs: kept until their worker says that they are gone
  std::uint64_t source_state_ = 0;  // as the first part found it
  bool decoding_ = false, hash_started_ = false, hash_done_ = false;
};

}  // namespace tessera::pipeline
