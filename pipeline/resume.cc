#include "pipeline/resume.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "pipeline/inspect.h"
#include "pipeline/printable.h"
#include "stages/image.h"

namespace tessera::pipeline {
namespace {
constexpr std::size_t kHashedTogether = 64;  // inputs in doubt: work enough for all workers
constexpr std::uint64_t kCommitEvery = 512;

RowState state_of(const JournalRow& row) {
  if (!row.closed) return RowState::intended;
  switch (row.item.terminal.kind) {
    case Terminal::Kind::done:
      return RowState::done;
    case Terminal::Kind::skipped:
      return RowState::skipped;
    case Terminal::Kind::failed:
      return RowState::failed;
    case Terminal::Kind::quarantined:
      return RowState::quarantined;
  }
  return RowState::none;
}
}  // namespace

ResumeAction decide_resume(const ResumeFacts& facts) {
  using enum ResumeAction;
  const auto any = [&](Likeness l) { return std::ranges::find(facts.outputs, l) != facts.outputs.end(); };
  switch (facts.state) {
    case RowState::none:
    case RowState::skipped:
      return redo;
    case RowState::failed:
    case RowState::quarantined:
      if (facts.retry_failed || facts.input == Likeness::different) return redo;
      return facts.input == Likeness::unsure ? ask : keep;
    case RowState::intended:
    case RowState::done:
      if (any(Likeness::unsure)) return ask;
      if (facts.renamed || any(Likeness::different) || facts.input == Likeness::different) return redo;
      return facts.input == Likeness::unsure ? ask : keep;
  }
  return redo;
}

Likeness compare_input(const ItemRow& row, std::uint64_t bytes, std::int64_t modified_ns) {
  if (row.bytes != bytes) return Likeness::different;
  if (row.modified_ns == modified_ns) return Likeness::same;
  return row.source_hash == Hash128{} ? Likeness::different : Likeness::unsure;
}

Likeness compare_output(const ProductRow& row, const std::optional<FileIdentity>& file, bool durable) {
  if (!file || file->bytes != row.file.bytes) return Likeness::different;
  return durable && *file == row.file ? Likeness::same : Likeness::unsure;
}

ResumeCheck::ResumeCheck(Journal& journal, OutputTree& tree, const ProductNames& names, std::size_t outputs,
                         workers::Executor& executor, OnExist on_exist, bool retry_failed, bool sync)
    : journal_(journal),
      tree_(tree),
      names_(names),
      outputs_(outputs),
      executor_(executor),
      on_exist_(on_exist),
      retry_failed_(retry_failed),
      sync_(sync) {}

void ResumeCheck::run(InputSet& inputs) {
  while (std::optional<Input> input = wait_for_next(inputs)) look(std::move(*input));
  settle_waiting();
  if (sync_) tree_.sync_folders();
  journal_.commit();
  if (foreign_ > 0)
    throw UsageError(fmt::format(
        "{}: a file that this run did not make has its name{}; choose --on-exist skip, overwrite or newer, or move it",
        first_foreign_, foreign_ > 1 ? fmt::format(" (and {} more)", foreign_ - 1) : ""));
}

void ResumeCheck::look(Input input) {
  Entry entry;
  std::optional<JournalRow> row = journal_.find(input.path);
  if (!row) return;  // to be done; what has its name already is compared with what it will be
  entry.row = std::move(*row);
  struct stat s {};
  if (!input.error && stat(input.path.c_str(), &s) == 0) {
    entry.modified_ns = s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec;
    entry.like_input = compare_input(entry.row.item, static_cast<std::uint64_t>(s.st_size), entry.modified_ns);
  }
  entry.input = std::move(input);
  for (const ProductRow& product : entry.row.products) {
    entry.files.push_back(tree_.find(product.name));
    entry.like_outputs.push_back(compare_output(product, entry.files.back(), entry.row.durable));
  }
  const ResumeAction action = decide(entry);
  if (action != ResumeAction::ask) return settle(entry, action);
  waiting_.push_back(std::move(entry));
  if (waiting_.size() >= kHashedTogether) settle_waiting();
}

bool ResumeCheck::renamed(const Entry& entry) const {
  TaskResult result;
  result.source_hash = entry.row.item.source_hash;
  result.products.resize(outputs_);
  for (const ProductRow& product : entry.row.products) result.products.at(product.output) = product.result;
  try {
    return std::ranges::any_of(entry.row.products, [&](const ProductRow& product) {
      return names_.name_of(entry.input, product.output, &result) != product.name;
    });
  } catch (const stages::ImageError&) {
    return true;
  }
}

ResumeAction ResumeCheck::decide(const Entry& entry) const {
  return decide_resume({state_of(entry.row), entry.like_input, entry.like_outputs, renamed(entry), retry_failed_});
}

// Hashes whatever is unsure about the entries that wait, all of it in one go over all workers.
void ResumeCheck::settle_waiting() {
  std::vector<std::string> paths;
  std::vector<std::pair<Likeness*, const Hash128*>> doubts;
  for (Entry& entry : waiting_) {
    if (entry.like_input == Likeness::unsure) {
      paths.push_back(entry.input.path);
      doubts.emplace_back(&entry.like_input, &entry.row.item.source_hash);
    }
    for (std::size_t i = 0; i < entry.like_outputs.size(); ++i) {
      if (entry.like_outputs[i] != Likeness::unsure) continue;
      paths.push_back(tree_.path_of(entry.row.products[i].name));
      doubts.emplace_back(&entry.like_outputs[i], &entry.row.products[i].result.file_hash);
    }
  }
  const std::vector<Inspection> found =
      inspect(executor_, JobKind::hash, paths,
              {0, {std::chrono::milliseconds(0)}, kInspectorBytes});  // bytes alone cannot hang it
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool same = found[i].error.empty() && found[i].hash == *doubts[i].second;
    *doubts[i].first = same ? Likeness::same : Likeness::different;
  }
  for (Entry& entry : waiting_) settle(entry, decide(entry));
  waiting_.clear();
}

void ResumeCheck::settle(Entry& entry, ResumeAction action) {
  JournalRow& row = entry.row;
  if (action == ResumeAction::keep) {
    row.item.item = entry.input.index;
    row.item.modified_ns = entry.modified_ns;
    for (std::size_t i = 0; i < row.products.size(); ++i) {
      row.products[i].file = *entry.files[i];
      if (sync_ && !row.synced) tree_.sync_file(row.products[i].name);
    }
    journal_.keep(row);
  } else {
    for (std::size_t i = 0; i < row.products.size(); ++i) {
      if (!entry.files[i]) continue;
      // A power cut may have left our file with other bytes, but not with another inode.
      const bool damaged = !row.durable && entry.files[i]->inode == row.products[i].file.inode;
      if (entry.like_outputs[i] == Likeness::same || damaged)
        journal_.make_replaceable(row.item.source, row.products[i].name, *entry.files[i]);
    }
    journal_.reopen(row.item.source);
    look_for_foreign(entry.input);
  }
  if (++settled_ % kCommitEvery != 0) return;
  if (sync_) tree_.sync_folders();
  journal_.commit();
}

// Said before anything is made, as without --resume.
void ResumeCheck::look_for_foreign(const Input& input) {
  if (on_exist_ != OnExist::error || input.error) return;
  try {
    for (std::size_t i = 0; i < outputs_; ++i) {
      if (!names_.known_before_decode(i)) continue;
      const std::string name = names_.name_of(input, i, nullptr);
      const auto file = tree_.find(name);
      if (file && !journal_.made(name, *file) && foreign_++ == 0) first_foreign_ = printable(tree_.path_of(name));
    }
  } catch (const stages::ImageError&) {
    // One failed item, when its turn comes.
  }
}

}  // namespace tessera::pipeline
