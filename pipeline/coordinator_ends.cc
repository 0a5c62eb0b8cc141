// How images and runs end: rows and what people are told of them, and the half of Coordinator that stops a run in
// order, whatever the reason.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "pipeline/coordinator_item.h"
#include "pipeline/job_files.h"
#include "pipeline/printable.h"
#include "pipeline/size_text.h"

namespace tessera::pipeline {
using workers::Clock;
using workers::Outcome;

namespace {
constexpr auto kDrain = std::chrono::seconds(5);
}

void Coordinator::fail_input(const Input& input, std::int64_t modified_ns, Terminal terminal) {
  FinishedItem finished;
  finished.input = input;
  finished.row.item = input.index;
  finished.row.source = input.path;
  finished.row.bytes = input.bytes;
  finished.row.modified_ns = modified_ns;
  finished.row.terminal = std::move(terminal);
  publisher_.add(std::move(finished));
}

void Coordinator::finish(std::unique_ptr<Item> item, const Terminal& terminal) {
  // A full disk is not the picture's fault: the run stops, and the picture is neither done nor failed. A worker's word
  // is not enough for that.
  if (terminal.kind == Terminal::Kind::failed && terminal.reason == FailReason::output && !tree_.has_room()) {
    unmark(*item);
    return stop(terminal.sentence, true);
  }
  const TaskResult& result = item->task.result();
  FinishedItem finished;
  finished.row.item = item->input.index;
  finished.row.source = item->input.path;
  finished.row.bytes = item->input.bytes;
  finished.row.modified_ns = item->modified_ns;
  finished.row.terminal = terminal;
  finished.row.original_width = result.header.full.width;
  finished.row.original_height = result.header.full.height;
  if (result.header.orientation >= 5) std::swap(finished.row.original_width, finished.row.original_height);
  finished.row.source_hash = result.source_hash;
  if (result.failure && terminal.kind != Terminal::Kind::done) {
    finished.row.failure = result.failure;
    finished.row.failure->command =
        command_again(std::filesystem::absolute(tree_.root()).string(), to_hex(recipe_->hash()).substr(0, 8),
                      settings_.flags_again, std::filesystem::absolute(item->input.path).string());
    put_aside(*item, terminal, *finished.row.failure);
  }
  finished.row.route = result.route;
  finished.row.jobs = result.jobs;
  finished.row.crashes = result.crashes;
  finished.row.cpu_ns = result.cpu_ns;
  finished.row.wall_ns = static_cast<std::uint64_t>((Clock::now() - item->begun).count());
  finished.result = result;
  finished.input = std::move(item->input);
  if (terminal.kind == Terminal::Kind::done) finished.files = std::move(item->files);
  publisher_.add(std::move(finished));
}

void Coordinator::count(Terminal::Kind kind) {
  Counts& counts = result_.counts;
  switch (kind) {
    case Terminal::Kind::done:
      ++counts.done;
      break;
    case Terminal::Kind::skipped:
      ++counts.skipped;
      break;
    case Terminal::Kind::failed:
      ++counts.failed;
      break;
    case Terminal::Kind::quarantined:
      ++counts.quarantined;
      break;
  }
}

void Coordinator::on_closed(const FinishedItem& item, const std::vector<ProductRow>& rows) {
  Counts& counts = result_.counts;
  const Terminal& terminal = item.row.terminal;
  count(terminal.kind);
  trace_.closed(item.row);
  counts.bytes_in += terminal.kind == Terminal::Kind::done ? item.row.bytes : 0;
  for (const ProductRow& row : rows) counts.bytes_out += row.result.bytes;
  if (terminal.kind == Terminal::Kind::failed || terminal.kind == Terminal::Kind::quarantined) {
    say_failure(item);
    if (settings_.max_failures > 0 &&
        counts.failed + counts.quarantined - counts.failed_earlier >= settings_.max_failures)
      stop("as many images failed as --max-failures or --fail-fast allow", false);
  } else if (progress_.verbosity() == Verbosity::verbose) {
    if (terminal.kind == Terminal::Kind::skipped)
      progress_.line(fmt::format("{}: skipped, {}", printable(item.input.path), printable(terminal.sentence)));
    for (const ProductRow& row : rows)
      progress_.line(fmt::format("{} {}x{} -> {} {}x{}, {} -> {}, {} ms", printable(item.input.path),
                                 item.row.original_width, item.row.original_height, printable(tree_.path_of(row.name)),
                                 row.result.width, row.result.height, format_bytes(item.row.bytes),
                                 format_bytes(row.result.bytes), item.row.wall_ns / 1'000'000));
  }
}

void Coordinator::stop(std::string why, bool environment) {
  if (result_.stopped.empty()) result_.stopped = std::move(why);
  result_.environment |= environment;
}

void Coordinator::say_failure(const FinishedItem& item) {
  const Terminal& terminal = item.row.terminal;
  std::string text = fmt::format("tessera: {}: {}{}", printable(item.input.path), printable(terminal.sentence),
                                 terminal.kind == Terminal::Kind::quarantined ? " (quarantined)" : "");
  if (item.row.failure && progress_.verbosity() == Verbosity::verbose) {
    text += fmt::format("\n  to see it again: {}", item.row.failure->command);
    if (!item.row.failure->output.empty())
      text += fmt::format("\n  the last that its worker wrote:\n{}", item.row.failure->output);
  }
  progress_.line(text);
}

void Coordinator::put_aside(const Item& item, const Terminal& terminal, const FailureBundle& bundle) {
  if (terminal.kind != Terminal::Kind::quarantined && terminal.reason != FailReason::timeout) return;
  const std::string trouble = quarantine_.put(item.input, item.fd.get(), terminal.sentence, bundle);
  if (!trouble.empty())
    progress_.line(fmt::format("tessera: warning: {}: it is not in the quarantine folder: {}",
                               printable(item.input.path), printable(trouble)));
}

// It did not end the program: no later run has to beware of it.
void Coordinator::unmark(const Item& item) noexcept {
  if (!settings_.marks) return;
  try {
    journal_.clear_mark(item.input.path);
  } catch (const EnvironmentError& e) {
    stop(e.what(), true);
  }
}

// Stops now: what runs is given up.
void Coordinator::abort(std::string why) {
  stop(std::move(why), true);
  drain_until_ = Clock::now();
}

// The first signal stops new images and lets those in flight end, the second ends everything.
void Coordinator::heed_signals() {
  if (!settings_.signals || settings_.signals->count() == 0) return;
  settings_.signals->take();
  if (result_.signal == 0) {
    result_.signal = settings_.signals->first();
    stop(signal_name(result_.signal), false);
    drain_until_ = std::min(drain_until_, Clock::now() + kDrain);
  }
  if (settings_.signals->count() >= 2) drain_until_ = Clock::now();
}

// Ends what still runs when the loop was left before its time. Jobs that were done all the same count; the images of
// the others are neither done nor failed.
void Coordinator::abandon() {
  if (items_.empty()) return;
  try {
    workforce_.executor->stop(Clock::now());
    while (!jobs_.empty() && hear(Clock::now(), &Coordinator::handle_last) > 0) {
    }
  } catch (const std::exception& e) {
    stop(e.what(), true);
  }
  for (const auto& item : items_) unmark(*item);
  jobs_.clear();
  exclusive_.clear();
  spreading_ = nullptr;
  items_.clear();
}

void Coordinator::handle_last(const workers::Event& event) {
  const auto* completion = std::get_if<workers::Completion>(&event);
  if (completion && completion->outcome == Outcome::done)
    handle(event);
  else if (completion)
    trace_.answered(*completion), jobs_.erase(completion->id);
}

// What the end of a job says about its worker, and about workers at all.
void Coordinator::note_end(const workers::Completion& completion, const Started& job) {
  const bool answered = completion.outcome != Outcome::crashed && completion.outcome != Outcome::timed_out &&
                        completion.outcome != Outcome::interrupted;
  if (answered) breaker_.answered();
  if (completion.outcome == Outcome::crashed) breaker_.died(deaths_, job.item->input.index);
  if (breaker_.tripped())
    abort(
        fmt::format("{} workers in a row died, each with another image: that looks like a fault of this machine or "
                    "this program and not of the images. The same command with --resume goes on; --breaker 0 never "
                    "stops for it",
                    settings_.breaker));
  const FailReason reason = completion.outcome == Outcome::failed ? reason_of(completion) : FailReason::none;
  if (reason == FailReason::out_of_memory || reason == FailReason::no_descriptors) recycling_.ran_out(job.window);
  if (answered)
    recycling_.job_ended(job.window, Clock::now(),
                         [this](std::uint32_t window) { return workforce_.executor->grown_bytes(window); });
}

// A worker is replaced when nothing is lost by it: no finished block lies there, and no job runs there that would
// leave one. Else later: an image that is spread comes to its end.
void Coordinator::retire_due() {
  const std::set<std::uint32_t> due = recycling_.due();
  for (const std::uint32_t window : due) {
    const bool held = std::ranges::any_of(items_, [&](const auto& item) { return item->task.holds(window); }) ||
                      std::ranges::any_of(jobs_, [&](const auto& job) {
                        return job.second.window == window && job.second.item->task.spreading();
                      });
    if (held) continue;
    recycling_.begun(window);
    workforce_.executor->retire(window);
  }
}

// Finished images that wait for their names hold descriptors, and so do images in flight. True: there will be some.
bool Coordinator::may_go_on_without_descriptors(const std::string& why) {
  if (publisher_.due() != Clock::time_point::max()) {
    publisher_.flush();
    return true;
  }
  if (!jobs_.empty()) return true;
  abort(fmt::format("{}; raise the limit of open files (ulimit -n)", why));
  return false;
}

}  // namespace tessera::pipeline
