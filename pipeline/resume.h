// What --resume believes of an earlier session. Each row of the journal is held against its input and its outputs as
// they are now; what does not fit is done again. Sizes and times decide where they can; where they leave a doubt, a
// worker hashes the content. Never the mode, the number of workers or the memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/collisions.h"
#include "pipeline/input_set.h"
#include "pipeline/journal.h"
#include "pipeline/output_tree.h"
#include "pipeline/publisher.h"
#include "workers/executor.h"

namespace tessera::pipeline {

/// A file against what the journal says of it. unsure: only its content can tell.
enum class Likeness : std::uint8_t { same, unsure, different };
enum class RowState : std::uint8_t { none, intended, done, skipped, failed, quarantined };
/// ask: hash what is unsure, then decide again.
enum class ResumeAction : std::uint8_t { keep, redo, ask };

struct ResumeFacts {
  RowState state = RowState::none;
  Likeness input = Likeness::same;
  std::span<const Likeness> outputs = {};  // of the row's products
  bool renamed = false;                    // a product would have another name today
  bool retry_failed = false;
};
/// Pure. Intended rows whose products are all there are kept, and so closed; skipped ones are decided anew; failed and
/// quarantined ones stay while the input does, unless retry_failed. Unsure outputs are always asked about: those that
/// are redone may be replaced only if they are ours.
ResumeAction decide_resume(const ResumeFacts&);

/// An input with this size and time against a row. Without a hash of the content the time decides.
Likeness compare_input(const ItemRow&, std::uint64_t bytes, std::int64_t modified_ns);
/// An output's present file (nothing: there is none) against its row. `durable`: no power cut can have damaged it.
Likeness compare_output(const ProductRow&, const std::optional<FileIdentity>&, bool durable);

/// The pass over all inputs before the run: afterwards every row of the journal's run that is listed stands, and
/// whatever is not listed is to be done.
class ResumeCheck {
 public:
  /// `sync`: outputs that an earlier session left to the system are brought to the disk, so that their rows may say so.
  ResumeCheck(Journal&, OutputTree&, const ProductNames&, std::size_t outputs, workers::Executor&, OnExist,
              bool retry_failed, bool sync);
  /// Throws JournalError; UsageError when a file that is not ours has an output's name and --on-exist is error.
  void run(InputSet&);

 private:
  struct Entry {
    Input input;
    std::int64_t modified_ns = 0;
    JournalRow row;
    std::vector<std::optional<FileIdentity>> files;  // of the row's products, now
    Likeness like_input = Likeness::different;
    std::vector<Likeness> like_outputs;
  };
  void look(Input);
  void settle_waiting();
  ResumeAction decide(const Entry&) const;
  bool renamed(const Entry&) const;
  void settle(Entry&, ResumeAction);
  void look_for_foreign(const Input&);

  Journal& journal_;
  OutputTree& tree_;
  const ProductNames& names_;
  std::size_t outputs_;
  workers::Executor& executor_;
  OnExist on_exist_;
  bool retry_failed_, sync_;
  std::vector<Entry> waiting_;  // for hashes
  std::uint64_t settled_ = 0, foreign_ = 0;
  std::string first_foreign_;
};

}  // namespace tessera::pipeline
