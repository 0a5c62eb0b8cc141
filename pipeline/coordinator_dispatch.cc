// What is started next, where, and with which memory: the half of Coordinator that hands out work.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "pipeline/coordinator_item.h"
#include "pipeline/open_input.h"
#include "pipeline/printable.h"
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
  readahead_.opened(input);
  const auto reject = [&](Terminal::Kind kind, std::string sentence, std::int64_t modified_ns = 0,
                          FailReason reason = FailReason::image) {
    fail_input(input, modified_ns, {kind, std::move(sentence), reason});
    return nullptr;
  };
  workers::Fd fd(open(input.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE) {
      no_descriptors_ = fmt::format("cannot open {}: {}", printable(input.path), std::strerror(errno));
      const std::uint64_t bytes = input.bytes;
      ahead_.emplace(bytes, std::move(input));
      return nullptr;
    }
    return reject(Terminal::Kind::failed, sentence_of_open(errno), 0, reason_of_open(errno));
  }
  struct stat s {};
  fstat(fd.get(), &s);
  if (!S_ISREG(s.st_mode)) return reject(Terminal::Kind::failed, "it is not a regular file", 0, FailReason::special);
  std::int64_t modified_ns = 0;
  look_at_input(fd.get(), input.bytes, modified_ns);
  try {
    for (std::size_t i = 0; i < recipe_->outputs.size(); ++i)
      names_.codec_of(input.path, i);  // throws if there is none
    bool all_skipped = names_.known_before_decode();
    for (std::size_t i = 0; i < recipe_->outputs.size() && names_.known_before_decode(); ++i) {
      const std::string name = names_.name_of(input, i, nullptr);
      const Decision decision = publisher_.policy(name, input.path, modified_ns);
      if (decision.action == Action::refuse)
        return reject(Terminal::Kind::failed, fmt::format("{}: {}", name, decision.reason), modified_ns,
                      FailReason::output);
      all_skipped &= decision.action == Action::skip;
      if (all_skipped && i + 1 == recipe_->outputs.size())
        return reject(Terminal::Kind::skipped, fmt::format("{}: {}", name, decision.reason), modified_ns,
                      FailReason::none);
    }
  } catch (const stages::ImageError& e) {
    return reject(Terminal::Kind::failed, e.what(), modified_ns);
  }
  if (settings_.marks) journal_.mark_begun(input.path, settings_.suspects.contains(input.path));
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
  settings.sync = settings_.sync;
  settings.image = input.index;
  settings.slots = total_slots();
  settings.time = settings_.time;
  settings.most_private_bytes = settings_.most_private_bytes;
  settings.first_block_bytes = usual_block_;
  settings.first_private_bytes = usual_private_;
  settings.decline_above = decline_above(settings_.tiling, total_slots(), leaves_slots_idle(input));
  return settings;
}

// The end of the batch is in sight, and the other slots are done with what is left before one slot is with this image.
// Files stand for work here: nothing more is known of them.
bool Coordinator::leaves_slots_idle(const Input& input) const {
  if (!inputs_.finished()) return false;
  std::uint64_t others = 0;
  for (const auto& [bytes, waiting] : ahead_) others += bytes;
  for (const auto& item : items_) others += item->input.bytes;
  const auto other_slots = static_cast<std::uint64_t>(std::max(total_slots() - 1, 0));
  return others < input.bytes * other_slots;
}

// Those that the slots take next.
void Coordinator::announce_inputs() {
  int left = total_slots();
  for (auto next = ahead_.rbegin(); next != ahead_.rend() && left-- > 0; ++next) readahead_.announce(next->second);
}

// One job started, or one input turned away: true. Jobs of images in flight go before new images, so that memory taken
// is memory soon given back.
bool Coordinator::dispatch() {
  decide_routes();
  no_descriptors_.clear();
  Item* waiting = nullptr;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Start outcome = start_first(*items_[i]);
    if (outcome == Start::started) return true;
    if (outcome == Start::not_now && !waiting) waiting = items_[i].get();
  }
  if (!no_descriptors_.empty()) return may_go_on_without_descriptors(no_descriptors_) && jobs_.empty();
  if (waiting && jobs_.empty() && all_workers_idle()) {
    // Nothing runs that could give memory back, and nobody fits: whoever holds finished blocks cannot be done.
    Item& culprit = spreading_ ? *spreading_ : *waiting;
    culprit.task.give_up(
        fmt::format("it takes more memory than --memory allows ({})", format_bytes(workforce_.arena->budget())),
        FailReason::memory);
    settle(culprit);
    return true;
  }
  // An image that waits for memory or for a worker of its own is served before more images come in.
  const bool room = std::ranges::any_of(workforce_.executor->workers(),
                                        [this](const auto& w) { return w.idle_slots > 0 && may_open(w); });
  // Nor while as many wait for their turn to be spread as there are slots: each is open and holds its plans.
  const auto undecided = std::ranges::count_if(items_, [](const auto& item) { return item->task.question(); });
  if (waiting || ahead_.empty() || !result_.stopped.empty() || !room || undecided >= total_slots()) return false;
  std::unique_ptr<Item> item = next_item();
  if (!no_descriptors_.empty()) return may_go_on_without_descriptors(no_descriptors_) && jobs_.empty();
  if (!item) return true;
  items_.push_back(std::move(item));
  announce_inputs();
  return start_first(*items_.back()) == Start::started;
}

// The most wanted of its jobs that can be started now. not_now: there is one that waits for memory or for a worker that
// it might have, which is a reason to begin no more images; not so what waits for a worker that is busy with its image.
Coordinator::Start Coordinator::start_first(Item& item) {
  Start outcome = Start::busy;
  for (const Work& work : item.task.wishes()) {
    const Start one = start(item, work);
    if (one == Start::started || !no_descriptors_.empty()) return one;
    if (one == Start::not_now) outcome = one;
  }
  return outcome;
}

// While no job runs: none is being replaced.
bool Coordinator::all_workers_idle() const {
  return std::ranges::all_of(workforce_.executor->workers(), [](const auto& w) { return w.idle_slots > 0; });
}

// A worker that is to be replaced opens no more images, unless nothing else runs whose end could free it: then it holds
// finished work, and images that have to be opened before that is used up would wait for ever.
bool Coordinator::may_open(const workers::Executor::Worker& worker) const {
  return !worker.isolated || jobs_.empty() || !recycling_.due().contains(worker.window);
}

// All workers of a run are, or none.
bool Coordinator::isolated() const { return workforce_.executor->workers().front().isolated; }

std::optional<std::uint32_t> Coordinator::choose_worker(const Item& item, const Work& work) const {
  std::optional<std::uint32_t> best, avoided;
  int most_idle = 0;
  for (const auto& worker : workforce_.executor->workers()) {
    if (worker.idle_slots == 0 || exclusive_.contains(worker.window)) continue;
    if (work.only_window != 0 && work.only_window != worker.window) continue;
    if (work.alone && worker.idle_slots < worker.slots) continue;
    if (work.opens && !item.opened_in.contains(worker.window) && !may_open(worker)) continue;
    // A worker that a picture takes over may change what lies in its own window: a one-slot worker opens a new file
    // only while nobody else's finished work lies there.
    if (work.opens && worker.isolated && worker.slots == 1 && std::ranges::any_of(items_, [&](const auto& other) {
          return other.get() != &item && other->task.holds(worker.window);
        }))
      continue;
    if (worker.window == work.prefer_window) return worker.window;
    if (worker.window == work.avoid_window)
      avoided = worker.window;
    else if (worker.idle_slots > most_idle)
      best = worker.window, most_idle = worker.idle_slots;
  }
  return best ? best : avoided;
}

// Leases what the work takes and starts it.
Coordinator::Start Coordinator::start(Item& item, const Work& work) {
  const auto window = choose_worker(item, work);
  if (!window) return work.only_window != 0 ? Start::busy : Start::not_now;
  if (work.all_memory && !jobs_.empty()) return Start::not_now;
  std::vector<Want> wants;
  for (const std::uint64_t bytes : work.own_blocks)
    if (bytes > 0) wants.push_back({*window, bytes, 0});
  if (work.kept_bytes > 0) wants.push_back({*window, 0, work.kept_bytes});
  const std::size_t board = wants.size();
  if (!work.table.empty()) wants.push_back({workers::kBoard, work.table.size(), 0});
  const std::uint64_t private_bytes = granted(work);
  if (private_bytes > 0) wants.push_back({*window, 0, private_bytes});
  if (!leaves_spare(wants, work.spare_bytes)) return Start::not_now;
  auto leases = workforce_.arena->lease(wants);
  if (!leases) return Start::not_now;
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
    workers::Block block = (*leases)[board].block();
    block.bytes = work.table.size();
    std::ranges::copy(work.table, workforce_.arena->board_bytes(block).begin());
    add_block(block);
  }
  JobPayload payload = work.payload;
  if (item.input.index == settings_.injection.image) payload.fault = settings_.injection.fault;
  put_payload(payload, job.payload);
  std::vector<int> fds;
  try {
    for (const std::int32_t which : work.fds) {
      if (which != kInputFd && work.fresh_files) item.files[static_cast<std::size_t>(which)] = tree_.create();
      // What the journal says of the input is what this job begins with.
      if (which == kInputFd) look_at_input(item.fd.get(), item.input.bytes, item.modified_ns);
      fds.push_back(which == kInputFd ? item.fd.get() : item.files[static_cast<std::size_t>(which)].fd());
    }
  } catch (const NoDescriptors& e) {
    no_descriptors_ = e.what();
    for (const std::int32_t which : work.fds)
      if (which != kInputFd) item.files[static_cast<std::size_t>(which)] = {};
    return Start::not_now;
  } catch (const TreeError& e) {
    item.task.give_up(e.what(), FailReason::output);
    settle(item);
    return Start::started;
  }
  const bool alone = work.alone, opens = work.opens && item.opened_in.insert(*window).second;
  workers::Limits limits = limits_there(settings_.time, work.limits, isolated());
  // Whole, or the part that brings the metadata.
  const bool first_read = payload.kind == JobKind::whole || (payload.kind == JobKind::decode && work.own_blocks[1] > 0);
  item.task.started(work, job.id, *window, std::move(*leases));
  // Beside what the job was granted its worker has what is kept there.
  limits.private_bytes = private_bytes;
  for (const auto& other : items_) limits.private_bytes += other->task.kept_bytes(*window);
  jobs_.emplace(job.id, Started{&item, *window, limits.private_bytes});
  if (alone) exclusive_.emplace(*window, job.id);
  if (opens) recycling_.opened_image(*window);
  trace_.started({job.id, item.input.index, *window, job.attempt, payload.kind, first_read ? item.input.path : ""});
  workforce_.executor->start(*window, job, fds, limits);
  workers::fault_point("dispatch.started");
  return Start::started;
}

bool Coordinator::leaves_spare(std::span<const Want> wants, std::uint64_t spare) const {
  if (spare == 0) return true;
  const auto usage = workforce_.arena->usage();
  std::uint64_t taken = usage.leased + usage.private_bytes;
  for (const Want& want : wants) taken += workers::round_up_to_page(want.block_bytes) + want.private_bytes;
  return taken + spare <= workforce_.arena->budget();
}

// An image that ran out of memory gets what there is: it is alone then.
std::uint64_t Coordinator::granted(const Work& work) const {
  if (!work.all_memory) return work.private_bytes;
  const auto usage = workforce_.arena->usage();
  std::uint64_t taken = usage.leased + usage.private_bytes + work.kept_bytes + work.spare_bytes +
                        workers::round_up_to_page(work.table.size());
  for (const std::uint64_t bytes : work.own_blocks) taken += workers::round_up_to_page(bytes);
  const std::uint64_t left = workforce_.arena->budget() - std::min(workforce_.arena->budget(), taken);
  return std::max(work.private_bytes, std::min(left, settings_.most_private_bytes));
}

std::string Coordinator::too_little_memory(const RouteQuestion& question) const {
  const std::uint64_t budget = workforce_.arena->budget();
  const std::uint64_t least = least_memory(question, settings_.tiling);
  if (least > budget || settings_.most_private_bytes >= budget)
    return fmt::format("it takes {} of memory, more than --memory allows ({})", format_bytes(least),
                       format_bytes(budget));
  return fmt::format("it takes {} of memory in one worker, more than --worker-memory allows ({}, of --memory {})",
                     format_bytes(least_private(question, settings_.tiling)),
                     format_bytes(settings_.most_private_bytes), format_bytes(budget));
}

void Coordinator::decide_routes() {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    Item& item = *items_[i];
    const RouteQuestion* question = item.task.question();
    if (!question) continue;
    const auto route =
        choose_route(*question, settings_.tiling, total_slots(), *workforce_.arena, settings_.most_private_bytes);
    if (!route) {
      item.task.give_up(too_little_memory(*question), FailReason::memory);
      settle(item);
      return decide_routes();
    }
    if (*route == Route::spread) {
      if (spreading_ && spreading_ != &item) continue;
      spreading_ = &item;
    } else {
      // The next images are probably like this one.
      const std::uint64_t share = workforce_.arena->budget() / static_cast<std::uint64_t>(total_slots());
      usual_private_ =
          std::min({std::max(usual_private_, question->whole.private_bytes), share, settings_.most_private_bytes});
      usual_block_ = std::min(std::max(usual_block_, question->whole.frame_bytes), share - usual_private_);
    }
    item.task.answer(*route);
  }
}
}  // namespace tessera::pipeline
