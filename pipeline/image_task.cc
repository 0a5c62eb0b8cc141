#include "pipeline/image_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "pipeline/metadata_block.h"
#include "pipeline/runner.h"
#include "stages/frame_layout.h"

namespace tessera::pipeline {
using namespace stages;
using workers::Completion;
using workers::Outcome;

std::string_view to_string(Terminal::Kind kind) {
  switch (kind) {
    case Terminal::Kind::done:
      return "done";
    case Terminal::Kind::skipped:
      return "skipped";
    case Terminal::Kind::failed:
      return "failed";
    case Terminal::Kind::quarantined:
      return "quarantined";
  }
  return "";
}

ImageTask::ImageTask(std::shared_ptr<const Recipe> recipe, const PlanOptions& options, const TaskSettings& settings)
    : recipe_(std::move(recipe)),
      options_(options),
      settings_(settings),
      whole_block_(settings.first_block_bytes),
      whole_private_(settings.first_private_bytes),
      decline_above_(settings.decline_above) {
  for (const OutputSpec& output : recipe_->outputs)
    codecs_.push_back(output.codec            ? output.codec
                      : settings_.input_codec ? stages::codecs().at(*settings_.input_codec)
                                              : nullptr);
  result_.products.resize(recipe_->outputs.size());
}

Work ImageTask::base_work(JobKind kind) const {
  Work work;
  work.payload.kind = kind;
  work.payload.has_input_codec = settings_.input_codec.has_value();
  work.payload.input_codec = settings_.input_codec.value_or(0);
  work.payload.max_pixels = settings_.max_pixels;
  work.payload.sync = settings_.sync;
  work.payload.header = result_.header;
  work.alone = alone_;
  work.all_memory = all_memory_;
  work.attempt = attempt_;
  return work;
}

workers::Limits ImageTask::limits_of(std::uint64_t pixels, std::uint64_t steps) const {
  return limits_for(settings_.time, pixels, steps, 0);
}

const Work* ImageTask::next() {
  if (next_) return &*next_;
  if (state_ == State::whole && !whole_started_) {
    Work work = base_work(JobKind::whole);
    work.own_blocks = {whole_block_};
    work.private_bytes = work.payload.private_bytes = whole_private_;
    work.limits = limits_of(whole_pixels_, steps_of(*recipe_));
    // More products than one completion can report: declined from the header alone.
    work.payload.decline_above = recipe_->outputs.size() <= kMaxWholeProducts ? decline_above_ : 0;
    work.fds = {kInputFd};
    if (recipe_->outputs.size() <= kMaxWholeProducts)
      for (std::size_t i = 0; i < recipe_->outputs.size(); ++i) work.fds.push_back(static_cast<std::int32_t>(i));
    next_ = std::move(work);
  } else if (state_ == State::spread) {
    next_ = next_spread_work();
  }
  return next_ ? &*next_ : nullptr;
}

void ImageTask::started(std::uint64_t id, std::uint32_t window, std::vector<workers::Lease> leases) {
  assert(next_);
  const JobPayload& payload = next_->payload;
  running_.emplace(
      id, Running{payload.kind, payload.pass, payload.band, window, epoch_, next_->limits, std::move(leases), {}});
  ++result_.jobs;
  const bool resolves = payload.kind == JobKind::resolve;
  const std::uint32_t pass = payload.pass;
  switch (payload.kind) {
    case JobKind::whole:
      whole_started_ = true;
      break;
    case JobKind::decode:
      decode_started_ = true;
      break;
    case JobKind::band:
      ++passes_[pass].next_band;
      break;
    case JobKind::resolve:
    case JobKind::encode:
      (resolves ? passes_[pass].resolve_started : passes_[pass].encode_started) = true;
      break;
    default:
      break;
  }
  next_.reset();
}

void ImageTask::on(const Completion& completion) {
  const auto found = running_.find(completion.id);
  assert(found != running_.end());
  Running job = std::move(found->second);
  running_.erase(found);
  next_.reset();
  result_.cpu_ns += completion.cpu_ns;
  if (terminal_) return;
  try {
    advance(completion, job);
  } catch (const ImageError& e) {
    // A stage that cannot work on this image once sizes are known: a crop outside what trim left.
    end({Terminal::Kind::failed, e.what(), FailReason::image});
  }
}

// Begins again with fresh blocks; what still runs is cancelled and its results are ignored.
void ImageTask::restart() {
  ++epoch_;
  next_.reset();
  for (const auto& [id, job] : running_) cancellations_.push_back(id);
  if (state_ == State::whole) {
    whole_started_ = false;
    return;
  }
  const bool retry = alone_;
  plan_spread();
  if (retry && question_ == std::nullopt) {
    // One whole job, so that a second death has one cause; the coordinator may still say spread if memory is short.
    ask(0, 0);
  }
}

void ImageTask::ask(std::uint64_t need_block, std::uint64_t need_private) {
  const auto plan = [&](Route route) {
    return make_plan(*recipe_, result_.header, codecs_, options_, route, {}, true);
  };
  state_ = State::deciding;
  question_ = RouteQuestion{result_.header, plan(Route::whole), plan(Route::spread),    alone_,
                            need_block,     need_private,       recipe_->outputs.size()};
}

void ImageTask::on_whole(const Completion& completion) {
  const auto payload = get_payload<CompletionPayload>(completion.payload);
  if (!plausible(payload.header)) return end({Terminal::Kind::failed, "its worker answered with an impossible header"});
  result_.header = payload.header;
  if (completion.outcome == Outcome::declined) {
    // Once to learn its size, once more if what was resolved on the way fitted worse than its upper bound.
    if (declines_++ == 2) return end({Terminal::Kind::failed, "its worker keeps asking for more memory"});
    return ask(payload.need_block, payload.need_private);
  }
  if (payload.products != result_.products.size())
    return end({Terminal::Kind::failed, "its worker answered for another number of products"});
  result_.source_hash = payload.source_hash;
  std::copy_n(payload.product.begin(), payload.products, result_.products.begin());
  end({Terminal::Kind::done, ""});
}

void ImageTask::answer(Route route) {
  assert(question_);
  result_.route = route;
  if (route == Route::whole) {
    state_ = State::whole;
    whole_started_ = false;
    // What the worker said counts, but it may not talk the coordinator into more than twice the plan.
    whole_block_ =
        std::max(question_->whole.frame_bytes, std::min(question_->need_block, 2 * question_->whole.frame_bytes));
    whole_private_ =
        std::max(question_->whole.private_bytes,
                 std::min({question_->need_private, 2 * question_->whole.private_bytes, settings_.most_private_bytes}));
    whole_pixels_ = std::max(pixels_of(result_.header.full), pixels_of(question_->whole));
    decline_above_ = ~std::uint64_t{0};
  } else {
    state_ = State::spread;
    plan_spread();
  }
  question_.reset();
  next_.reset();
}

void ImageTask::give_up(std::string sentence, FailReason reason) {
  question_.reset();
  end({Terminal::Kind::failed, std::move(sentence), reason});
}

void ImageTask::end(Terminal terminal) {
  terminal_ = std::move(terminal);
  state_ = State::ended;
  next_.reset();
  for (const auto& [id, job] : running_) cancellations_.push_back(id);
  passes_.clear();
  statistics_.clear();
  decoded_.reset();
  metadata_.reset();
}

std::vector<std::uint64_t> ImageTask::take_cancellations() { return std::exchange(cancellations_, {}); }

const Terminal* ImageTask::terminal() const { return terminal_ && running_.empty() ? &*terminal_ : nullptr; }

}  // namespace tessera::pipeline
