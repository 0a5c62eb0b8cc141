#include "pipeline/coordinator.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cassert>

#include "pipeline/coordinator_item.h"
#include "pipeline/printable.h"
#include "pipeline/size_text.h"

namespace tessera::pipeline {
using workers::Clock;

namespace {
constexpr std::size_t kLookAhead = 64;
constexpr std::uint64_t kFirstPrivate = 48 << 20;
}  // namespace

Coordinator::Coordinator(std::shared_ptr<const Recipe> recipe, const CoordinatorSettings& settings, InputSet& inputs,
                         workers::Workforce& workforce, OutputTree& tree, Journal& journal, const ProductNames& names,
                         Progress& progress)
    : recipe_(std::move(recipe)),
      settings_(settings),
      inputs_(inputs),
      workforce_(workforce),
      tree_(tree),
      journal_(journal),
      names_(names),
      progress_(progress),
      publisher_(names, tree, journal, settings_.on_exist, settings_.originals, settings_.names_checked, settings_.sync,
                 [this](const FinishedItem& item, const std::vector<ProductRow>& rows) { on_closed(item, rows); }) {
  // The hopeful first job of an image: enough for a streamed photo, and never more than a slot's fair share.
  const std::uint64_t share = workforce_.arena->budget() / static_cast<std::uint64_t>(total_slots());
  usual_private_ = std::min(kFirstPrivate, share * 3 / 4);
}

Coordinator::~Coordinator() = default;

RunResult Coordinator::run() {
  while (true) {
    try {
      pull();
      while (dispatch()) {
      }
    } catch (const EnvironmentError& e) {
      stop(e.what(), true);
    }
    const bool all_pulled = ahead_.empty() && deferred_.empty() && inputs_.finished();
    if (items_.empty() && (!result_.stopped.empty() || all_pulled)) break;
    wait();
    try {
      publisher_.tick(Clock::now());
    } catch (const EnvironmentError& e) {
      stop(e.what(), true);
    }
    const auto usage = workforce_.arena->usage();
    progress_.update({result_.counts, settings_.total, static_cast<int>(workforce_.executor->workers().size()),
                      usage.leased + usage.warm + usage.private_bytes, workforce_.arena->budget()},
                     Clock::now());
  }
  try {
    publisher_.flush();
  } catch (const EnvironmentError& e) {
    stop(e.what(), true);
  }
  const auto traffic = workforce_.executor->traffic();
  result_.messages = traffic.messages_sent + traffic.messages_received;
  progress_.finish();
  return result_;
}

void Coordinator::pull() {
  while (result_.stopped.empty() && ahead_.size() < kLookAhead) {
    std::optional<Input> input = inputs_.next();
    if (!input) return pull_suspect();
    if (settle_earlier(*input)) continue;
    if (input->error)
      fail_input(*input, 0, {Terminal::Kind::failed, *input->error, FailReason::image});
    else
      ahead_.emplace(input->bytes, std::move(*input));
  }
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

void Coordinator::wait() {
  std::vector<workers::Event> events;
  const auto now = Clock::now();
  auto until = std::min(publisher_.due(), now + std::chrono::milliseconds(100));
  const bool wants_input = result_.stopped.empty() && ahead_.size() < kLookAhead && !inputs_.finished();
  if (wants_input && inputs_.ready_fd() >= 0) {
    std::array<pollfd, 2> fds{{{workforce_.executor->ready_fd(), POLLIN, 0}, {inputs_.ready_fd(), POLLIN, 0}}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - now).count();
    poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    until = now;
  }
  workforce_.executor->wait(events, until);
  for (const workers::Event& event : events) handle(event);
}

void Coordinator::handle(const workers::Event& event) {
  if (const auto* lost = std::get_if<workers::WindowLost>(&event)) {
    for (const auto& item : items_) item->task.lost(lost->window);
    for (const auto& item : items_)
      for (const std::uint64_t id : item->task.take_cancellations()) workforce_.executor->cancel(id);
    return;
  }
  const auto* completion = std::get_if<workers::Completion>(&event);
  if (!completion) return;
  const auto found = jobs_.find(completion->id);
  assert(found != jobs_.end());
  Item& item = *found->second;
  jobs_.erase(found);
  std::erase_if(exclusive_, [&](const auto& entry) { return entry.second == completion->id; });
  item.task.on(*completion);
  settle(item);
}

// After anything happened to a task: passes on its cancellations, and takes it out once it has ended.
void Coordinator::settle(Item& item) {
  for (const std::uint64_t id : item.task.take_cancellations()) workforce_.executor->cancel(id);
  if (spreading_ == &item && !item.task.spreading() && item.task.running() == 0) spreading_ = nullptr;
  const Terminal* terminal = item.task.terminal();
  if (!terminal) return;
  const auto found = std::ranges::find_if(items_, [&](const auto& i) { return i.get() == &item; });
  std::unique_ptr<Item> owned = std::move(*found);
  items_.erase(found);
  if (spreading_ == owned.get()) spreading_ = nullptr;
  const Terminal copy = *terminal;
  finish(std::move(owned), copy);
}

void Coordinator::finish(std::unique_ptr<Item> item, const Terminal& terminal) {
  // A full disk is not the picture's fault: the run stops, and the picture is neither done nor failed. A worker's word
  // is not enough for that.
  if (terminal.kind == Terminal::Kind::failed && terminal.reason == FailReason::output && !tree_.has_room())
    return stop(terminal.sentence, true);
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
  counts.bytes_in += terminal.kind == Terminal::Kind::done ? item.row.bytes : 0;
  for (const ProductRow& row : rows) counts.bytes_out += row.result.bytes;
  if (terminal.kind == Terminal::Kind::failed || terminal.kind == Terminal::Kind::quarantined) {
    progress_.line(fmt::format("tessera: {}: {}{}", printable(item.input.path), printable(terminal.sentence),
                               terminal.kind == Terminal::Kind::quarantined ? " (quarantined)" : ""));
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

}  // namespace tessera::pipeline
