#include "pipeline/coordinator.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "pipeline/size_text.h"
#include "stages/frame_layout.h"

namespace tessera::pipeline {
using workers::Clock;
using workers::Want;

namespace {

constexpr std::size_t kLookAhead = 64;
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kFirstPrivate = 48 * kMiB;

}  // namespace

struct Coordinator::Item {
  Input input;
  workers::Fd fd;
  std::int64_t modified_ns = 0;
  std::vector<OutputFile> files;
  ImageTask task;
  Clock::time_point begun = Clock::now();
};

Coordinator::Coordinator(std::shared_ptr<const Recipe> recipe, const CoordinatorSettings& settings, InputSet& inputs,
                         workers::Workforce& workforce, OutputTree& tree, Journal& journal, const ProductNames& names,
                         Progress& progress)
    : recipe_(std::move(recipe)),
      settings_(settings),
      inputs_(inputs),
      workforce_(workforce),
      tree_(tree),
      names_(names),
      progress_(progress),
      publisher_(names, tree, journal, settings_.on_exist, settings_.originals, settings_.names_checked,
                 [this](const FinishedItem& item, const std::vector<ProductRow>& rows) { on_closed(item, rows); }) {
  // The hopeful first job of an image: enough for a streamed photo, and never more than a slot's fair share.
  const std::uint64_t share = workforce_.arena->budget() / static_cast<std::uint64_t>(total_slots());
  usual_private_ = std::min(kFirstPrivate, share * 3 / 4);
}

Coordinator::~Coordinator() = default;

int Coordinator::total_slots() const {
  int slots = 0;
  for (const auto& worker : workforce_.executor->workers()) slots += worker.slots;
  return slots;
}

RunResult Coordinator::run() {
  while (true) {
    pull();
    while (dispatch()) {
    }
    if (items_.empty() && (!result_.stopped.empty() || (ahead_.empty() && inputs_.finished()))) break;
    wait();
    try {
      publisher_.tick(Clock::now());
    } catch (const TreeError& e) {
      stop(e.what(), true);
    }
    const auto usage = workforce_.arena->usage();
    progress_.update({result_.counts, settings_.total, static_cast<int>(workforce_.executor->workers().size()),
                      usage.leased + usage.warm + usage.private_bytes, workforce_.arena->budget()},
                     Clock::now());
  }
  try {
    publisher_.flush();
  } catch (const TreeError& e) {
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
    if (!input) return;
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

// Opens the largest input of the look-ahead; null when it came to an end without any job.
std::unique_ptr<Coordinator::Item> Coordinator::next_item() {
  const auto largest = std::prev(ahead_.end());
  Input input = std::move(largest->second);
  ahead_.erase(largest);
  const auto reject = [&](Terminal::Kind kind, std::string sentence, std::int64_t modified_ns = 0) {
    fail_input(input, modified_ns, {kind, std::move(sentence), FailReason::image});
    return nullptr;
  };
  workers::Fd fd(open(input.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE) {
      stop(fmt::format("cannot open {}: {}", input.path, std::strerror(errno)), true);
      return nullptr;
    }
    return reject(Terminal::Kind::failed, fmt::format("it cannot be opened: {}", std::strerror(errno)));
  }
  struct stat s {};
  fstat(fd.get(), &s);
  if (!S_ISREG(s.st_mode)) return reject(Terminal::Kind::failed, "it is not a regular file");
  const std::int64_t modified_ns = s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec;
  input.bytes = static_cast<std::uint64_t>(s.st_size);
  try {
    for (std::size_t i = 0; i < recipe_->outputs.size(); ++i)
      names_.codec_of(input.path, i);  // throws if there is none
    bool all_skipped = names_.known_before_decode();
    for (std::size_t i = 0; i < recipe_->outputs.size() && names_.known_before_decode(); ++i) {
      const std::string name = names_.name_of(input, i, nullptr);
      const Decision decision =
          decide(settings_.on_exist, look_at_output(tree_.path_of(name), input.path), modified_ns, false);
      if (decision.action == Action::refuse)
        return reject(Terminal::Kind::failed, fmt::format("{}: {}", name, decision.reason), modified_ns);
      all_skipped &= decision.action == Action::skip;
      if (all_skipped && i + 1 == recipe_->outputs.size())
        return reject(Terminal::Kind::skipped, fmt::format("{}: {}", name, decision.reason), modified_ns);
    }
  } catch (const stages::ImageError& e) {
    return reject(Terminal::Kind::failed, e.what(), modified_ns);
  }
  const TaskSettings settings = task_settings(input);
  std::vector<OutputFile> files(recipe_->outputs.size());
  return std::make_unique<Item>(Item{std::move(input), std::move(fd), modified_ns, std::move(files),
                                     ImageTask(recipe_, settings_.plan, settings)});
}

TaskSettings Coordinator::task_settings(const Input& input) const {
  TaskSettings settings;
  if (const stages::Codec* codec = stages::codec_for_extension(extension_of(input.path))) {
    const auto& all = stages::codecs();
    settings.input_codec = static_cast<std::uint8_t>(std::ranges::find(all, codec) - all.begin());
  }
  settings.max_pixels = settings_.max_pixels;
  settings.first_block_bytes = usual_block_;
  settings.first_private_bytes = usual_private_;
  // Fewer images are left, this one included, than there are slots.
  const bool tail = inputs_.finished() && static_cast<int>(ahead_.size() + items_.size()) + 1 < total_slots();
  settings.decline_above = decline_above(settings_.tiling, total_slots(), tail);
  return settings;
}

// One job started, or one input turned away: true. Jobs of images in flight go before new images, so that memory taken
// is memory soon given back.
bool Coordinator::dispatch() {
  decide_routes();
  Item* waiting = nullptr;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Work* work = items_[i]->task.next();
    if (!work) continue;
    if (start(*items_[i], *work)) return true;
    if (!waiting) waiting = items_[i].get();
  }
  if (waiting && jobs_.empty() && idle_worker()) {
    // Nothing runs that could give memory back, and nobody fits: whoever holds finished blocks cannot be done.
    Item& culprit = spreading_ ? *spreading_ : *waiting;
    culprit.task.give_up(
        fmt::format("it takes more memory than --memory allows ({})", format_bytes(workforce_.arena->budget())));
    settle(culprit);
    return true;
  }
  // An image that waits for memory or for a worker of its own is served before more images come in.
  if (waiting || ahead_.empty() || !result_.stopped.empty() || !idle_worker()) return false;
  std::unique_ptr<Item> item = next_item();
  if (!item) return true;
  items_.push_back(std::move(item));
  return start(*items_.back(), *items_.back()->task.next());
}

bool Coordinator::idle_worker() const {
  return std::ranges::any_of(workforce_.executor->workers(), [](const auto& w) { return w.idle_slots > 0; });
}

std::optional<std::uint32_t> Coordinator::choose_worker(const Work& work) const {
  std::optional<std::uint32_t> best;
  const bool decodes = work.payload.kind == JobKind::whole || work.payload.kind == JobKind::decode;
  int most_idle = 0;
  for (const auto& worker : workforce_.executor->workers()) {
    if (worker.idle_slots == 0 || exclusive_.contains(worker.window)) continue;
    if (work.alone && worker.idle_slots < worker.slots) continue;
    // A worker that a picture takes over may change what lies in its own window: a one-slot worker opens a new file
    // only while nobody else's finished work lies there.
    if (decodes && worker.isolated && worker.slots == 1 &&
        std::ranges::any_of(items_, [&](const auto& item) { return item->task.holds(worker.window); }))
      continue;
    if (worker.window == work.prefer_window) return worker.window;
    if (worker.idle_slots > most_idle) best = worker.window, most_idle = worker.idle_slots;
  }
  return best;
}

// Leases what the work takes and starts it; false: not now.
bool Coordinator::start(Item& item, const Work& work) {
  const auto window = choose_worker(work);
  if (!window) return false;
  std::vector<Want> wants;
  for (const std::uint64_t bytes : work.own_blocks)
    if (bytes > 0) wants.push_back({*window, bytes, 0});
  const std::size_t own = wants.size();
  if (!work.table.empty()) wants.push_back({workers::kBoard, work.table.size(), 0});
  if (work.private_bytes > 0) wants.push_back({*window, 0, work.private_bytes});
  auto leases = workforce_.arena->lease(wants);
  if (!leases) return false;
  workers::Job job;
  job.id = next_job_++;
  job.attempt = work.attempt;
  std::size_t next_lease = 0;
  const auto add_block = [&](const workers::Block& block) { job.blocks.at(job.block_count++) = block; };
  for (const std::uint64_t bytes : work.own_blocks) {
    workers::Block block;
    if (bytes > 0) {
      block = (*leases)[next_lease++].block();
      block.bytes = bytes;
    }
    add_block(block);
  }
  for (const workers::Block& block : work.lent) add_block(block);
  if (!work.table.empty()) {
    workers::Block block = (*leases)[own].block();
    block.bytes = work.table.size();
    std::ranges::copy(work.table, workforce_.arena->board_bytes(block).begin());
    add_block(block);
  }
  put_payload(work.payload, job.payload);
  std::vector<int> fds;
  try {
    for (const std::int32_t which : work.fds) {
      if (which != kInputFd) item.files[static_cast<std::size_t>(which)] = tree_.create();
      fds.push_back(which == kInputFd ? item.fd.get() : item.files[static_cast<std::size_t>(which)].fd());
    }
  } catch (const TreeError& e) {
    item.task.give_up(e.what(), FailReason::output);
    settle(item);
    return true;
  }
  const bool alone = work.alone;
  item.task.started(job.id, *window, std::move(*leases));
  jobs_.emplace(job.id, &item);
  if (alone) exclusive_.emplace(*window, job.id);
  workforce_.executor->start(*window, job, fds);
  return true;
}

void Coordinator::decide_routes() {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    Item& item = *items_[i];
    const RouteQuestion* question = item.task.question();
    if (!question) continue;
    const auto route = choose_route(*question, settings_.tiling, total_slots(), *workforce_.arena);
    if (!route) {
      item.task.give_up(fmt::format("it takes {} of memory, more than --memory allows ({})",
                                    format_bytes(least_memory(*question, settings_.tiling, total_slots())),
                                    format_bytes(workforce_.arena->budget())));
      settle(item);
      return decide_routes();
    }
    if (*route == Route::spread) {
      if (spreading_ && spreading_ != &item) continue;
      spreading_ = &item;
    } else {
      // The next images are probably like this one.
      const std::uint64_t share = workforce_.arena->budget() / static_cast<std::uint64_t>(total_slots());
      usual_private_ = std::min(std::max(usual_private_, question->whole.private_bytes), share);
      usual_block_ = std::min(std::max(usual_block_, question->whole.frame_bytes), share - usual_private_);
    }
    item.task.answer(*route);
  }
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

void Coordinator::on_closed(const FinishedItem& item, const std::vector<ProductRow>& rows) {
  Counts& counts = result_.counts;
  const Terminal& terminal = item.row.terminal;
  switch (terminal.kind) {
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
  counts.bytes_in += terminal.kind == Terminal::Kind::done ? item.row.bytes : 0;
  for (const ProductRow& row : rows) counts.bytes_out += row.result.bytes;
  if (terminal.kind == Terminal::Kind::failed || terminal.kind == Terminal::Kind::quarantined) {
    progress_.line(fmt::format("tessera: {}: {}{}", item.input.path, terminal.sentence,
                               terminal.kind == Terminal::Kind::quarantined ? " (quarantined)" : ""));
    if (settings_.max_failures > 0 && counts.failed + counts.quarantined >= settings_.max_failures)
      stop("as many images failed as --max-failures or --fail-fast allow", false);
  } else if (progress_.verbosity() == Verbosity::verbose) {
    if (terminal.kind == Terminal::Kind::skipped)
      progress_.line(fmt::format("{}: skipped, {}", item.input.path, terminal.sentence));
    for (const ProductRow& row : rows)
      progress_.line(fmt::format("{} {}x{} -> {} {}x{}, {} -> {}, {} ms", item.input.path, item.row.original_width,
                                 item.row.original_height, tree_.path_of(row.name), row.result.width, row.result.height,
                                 format_bytes(item.row.bytes), format_bytes(row.result.bytes),
                                 item.row.wall_ns / 1'000'000));
  }
}

void Coordinator::stop(std::string why, bool environment) {
  if (result_.stopped.empty()) result_.stopped = std::move(why);
  result_.environment |= environment;
}

}  // namespace tessera::pipeline
