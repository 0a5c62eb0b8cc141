#include "pipeline/coordinator.h"

#include <poll.h>

#include <algorithm>
#include <cassert>
#include <exception>

#include "pipeline/coordinator_item.h"
#include "pipeline/open_input.h"
#include "workers/deadline.h"

namespace tessera::pipeline {
using workers::Clock;

namespace {
constexpr std::size_t kLookAhead = 64;
constexpr std::uint64_t kFirstPrivate = 48 << 20;
constexpr std::chrono::milliseconds kLongestWait{100};
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
      trace_(settings.trace ? *settings.trace : no_trace_),
      publisher_(names, tree, journal, settings_.on_exist, settings_.originals, settings_.names_checked, settings_.sync,
                 settings_.resumes,
                 [this](const FinishedItem& item, const std::vector<ProductRow>& rows) { on_closed(item, rows); }),
      breaker_(settings.breaker),
      recycling_(settings.recycle),
      quarantine_(settings.quarantine) {
  if (settings_.most_private_bytes == 0) settings_.most_private_bytes = workforce_.arena->budget();
  // The hopeful first job of an image: enough for a streamed photo, and never more than a slot's fair share.
  const std::uint64_t share = workforce_.arena->budget() / static_cast<std::uint64_t>(total_slots());
  usual_private_ = std::min({kFirstPrivate, share * 3 / 4, settings_.most_private_bytes});
}

Coordinator::~Coordinator() = default;

RunResult Coordinator::run() {
  trace_.began(workforce_.executor->workers());
  try {
    loop();
  } catch (const std::exception& e) {
    stop(e.what(), true);  // no worker can be had, the journal cannot be written
  }
  abandon();
  try {
    publisher_.flush();
  } catch (const std::exception& e) {
    stop(e.what(), true);
  }
  const auto traffic = workforce_.executor->traffic();
  result_.messages = traffic.messages_sent + traffic.messages_received;
  result_.publishing = publisher_.spent();
  trace_.ended(result_.counts, traffic);
  progress_.finish();
  return result_;
}

void Coordinator::loop() {
  while (true) {
    heed_signals();
    try {
      pull();
      while (dispatch()) {
      }
    } catch (const EnvironmentError& e) {
      stop(e.what(), true);
    }
    const bool all_pulled = ahead_.empty() && deferred_.empty() && inputs_.finished();
    if (items_.empty() && (!result_.stopped.empty() || all_pulled)) return;
    if (Clock::now() >= drain_until_) return;
    wait();
    retire_due();
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
}

// A part of the inputs at a time, whatever becomes of them: signals are heard and finished images published in between.
void Coordinator::pull() {
  more_inputs_ = result_.stopped.empty();
  for (std::size_t pulled = 0; result_.stopped.empty() && ahead_.size() < kLookAhead && pulled < kLookAhead; ++pulled) {
    std::optional<Input> input = inputs_.next();
    if (!input) {
      more_inputs_ = false;
      return pull_suspect();
    }
    if (settle_earlier(*input)) continue;
    if (input->error)
      fail_input(*input, 0, {Terminal::Kind::failed, *input->error, reason_of_path(input->path)});
    else
      ahead_.emplace(input->bytes, std::move(*input));
  }
}

// There may be inputs that only have to be pulled: nobody wakes us for those.
bool Coordinator::may_pull_now() const {
  if (!result_.stopped.empty()) return false;
  const bool suspect_is_next = !deferred_.empty() && items_.empty() && ahead_.empty() && inputs_.finished();
  return suspect_is_next || (more_inputs_ && ahead_.size() < kLookAhead);
}

void Coordinator::wait() {
  const auto until =
      may_pull_now() ? Clock::time_point() : std::min({publisher_.due(), drain_until_, Clock::now() + kLongestWait});
  const bool wants_input = result_.stopped.empty() && ahead_.size() < kLookAhead && !inputs_.finished();
  std::array<pollfd, 3> fds{{{workforce_.executor->ready_fd(), POLLIN, 0},
                             {wants_input ? inputs_.ready_fd() : -1, POLLIN, 0},
                             {settings_.signals ? settings_.signals->fd() : -1, POLLIN, 0}}};
  poll(fds.data(), fds.size(), workers::milliseconds_until(until));
  hear(Clock::now(), &Coordinator::handle);
}

// How many events there were. What the executor has said counts even if it ends the run with that.
std::size_t Coordinator::hear(Clock::time_point until, void (Coordinator::*take)(const workers::Event&)) {
  std::vector<workers::Event> events;
  std::exception_ptr trouble;
  try {
    workforce_.executor->wait(events, until);
  } catch (const std::exception&) {
    trouble = std::current_exception();
  }
  for (const workers::Event& event : events) (this->*take)(event);
  if (trouble) std::rethrow_exception(trouble);
  return events.size();
}

void Coordinator::handle(const workers::Event& event) {
  if (const auto* lost = std::get_if<workers::WindowLost>(&event)) {
    ++deaths_;
    trace_.died(lost->window);
    recycling_.replaced(lost->window);
    for (const auto& item : items_) {
      item->opened_in.erase(lost->window);
      item->task.lost(lost->window, lost->output);
    }
    // What was kept there for an image that has come to its end has gone as well.
    for (std::size_t i = items_.size(); i-- > 0;) settle(*items_[i]);
    return;
  }
  if (const auto* progress = std::get_if<workers::Progress>(&event)) {
    const auto found = jobs_.find(progress->id);
    if (found == jobs_.end()) return;
    if (auto limits = found->second.item->task.on(*progress)) {
      limits->private_bytes = found->second.private_bytes;
      workforce_.executor->set_limits(progress->id, limits_there(settings_.time, *limits, isolated()));
    }
    return;
  }
  const auto& completion = std::get<workers::Completion>(event);
  const auto found = jobs_.find(completion.id);
  assert(found != jobs_.end());
  trace_.answered(completion);
  const Started job = found->second;
  jobs_.erase(found);
  std::erase_if(exclusive_, [&](const auto& entry) { return entry.second == completion.id; });
  note_end(completion, job);
  job.item->task.on(completion);
  settle(*job.item);
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

}  // namespace tessera::pipeline
