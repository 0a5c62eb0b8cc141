// What is started next, where, and with which memory: the half of Coordinator that hands out work.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "pipeline/coordinator_item.h"
#include "pipeline/size_text.h"
#include "stages/frame_layout.h"
#include "workers/fault_point.h"

namespace tessera::pipeline {
using workers::Want;

int Coordinator::total_slots() const {
  int slots = 0;
  for (const auto& worker : workforce_.executor->workers()) slots += worker.slots;
  return slots;
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
  workers::fault_point("dispatch.started");
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
}  // namespace tessera::pipeline
