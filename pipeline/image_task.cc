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
  work.payload.image = settings_.image;
  work.payload.epoch = epoch_;
  work.alone = alone_;
  work.all_memory = all_memory_;
  work.attempt = attempt_;
  return work;
}

workers::Limits ImageTask::limits_of(std::uint64_t pixels, std::uint64_t steps) const {
  return limits_for(settings_.time, pixels, steps, 0);
}

std::span<const Work> ImageTask::wishes() {
  if (!wishes_.empty()) return wishes_;
  if (!dropped_.empty()) {
    for (const KeptThere& kept : dropped_) {
      // A job from before may still use it, or is the one that drops it.
      if (std::ranges::any_of(running_, [&](const auto& r) { return r.second.window == kept.window; })) continue;
      Work work = base_work(JobKind::drop);
      work.only_window = kept.window;
      work.alone = work.all_memory = false;
      wishes_.push_back(std::move(work));
    }
  } else if (state_ == State::whole && !whole_started_) {
    Work work = base_work(JobKind::whole);
    work.opens = true;
    work.own_blocks = {whole_block_};
    work.private_bytes = work.payload.private_bytes = whole_private_;
    work.limits = limits_of(whole_pixels_, steps_of(*recipe_));
    // More products than one completion can report: declined from the header alone.
    work.payload.decline_above = recipe_->outputs.size() <= kMaxWholeProducts ? decline_above_ : 0;
    work.fds = {kInputFd};
    if (recipe_->outputs.size() <= kMaxWholeProducts)
      for (std::size_t i = 0; i < recipe_->outputs.size(); ++i) work.fds.push_back(static_cast<std::int32_t>(i));
    wishes_.push_back(std::move(work));
  } else if (state_ == State::spread) {
    add_spread_wishes();
  }
  return wishes_;
}

void ImageTask::started(const Work& work, std::uint64_t id, std::uint32_t window, std::vector<workers::Lease> leases) {
  const JobPayload payload = work.payload;
  const auto own = static_cast<std::size_t>(std::ranges::count_if(work.own_blocks, [](auto b) { return b > 0; }));
  std::optional<KeptThere> kept;
  if (work.kept_bytes > 0) {
    const auto lease = leases.begin() + static_cast<std::ptrdiff_t>(own);
    kept = KeptThere{window, work.kept_bytes, std::move(*lease)};
    leases.erase(lease);
  }
  running_.emplace(id, Running{payload.kind,
                               payload.pass,
                               payload.band,
                               payload.band_end,
                               window,
                               epoch_,
                               work.limits,
                               std::move(leases),
                               {}});
  ++result_.jobs;
  switch (payload.kind) {
    case JobKind::whole:
      whole_started_ = true;
      break;
    case JobKind::decode:
      parts_[payload.band].started = true;
      decoding_ = true;
      if (kept) decoder_ = std::move(kept);
      break;
    case JobKind::hash:
      hash_started_ = true;
      break;
    case JobKind::band:
      ++passes_[payload.pass].next_band;
      break;
    case JobKind::resolve:
      passes_[payload.pass].resolve_started = true;
      break;
    case JobKind::encode:
      passes_[payload.pass].encoding = true;
      if (kept) passes_[payload.pass].encoder = std::move(kept);
      break;
    default:
      break;
  }
  wishes_.clear();
}

void ImageTask::on(const Completion& completion) {
  const auto found = running_.find(completion.id);
  assert(found != running_.end());
  Running job = std::move(found->second);
  running_.erase(found);
  wishes_.clear();
  result_.cpu_ns += completion.cpu_ns;
  if (job.kind == JobKind::drop) std::erase_if(dropped_, [&](const KeptThere& k) { return k.window == job.window; });
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
  wishes_.clear();
  drop_kept();
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
  question_ = RouteQuestion{.header = result_.header,
                            .whole = plan(Route::whole),
                            .spread = plan(Route::spread),
                            .retry = alone_,
                            .tail = settings_.decline_above != ~std::uint64_t{0},
                            .need_block = need_block,
                            .need_private = need_private,
                            .products = codecs_};
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
  wishes_.clear();
}

void ImageTask::give_up(std::string sentence, FailReason reason) {
  if (terminal_) return;
  question_.reset();
  end({Terminal::Kind::failed, std::move(sentence), reason});
}

void ImageTask::end(Terminal terminal) {
  terminal_ = std::move(terminal);
  state_ = State::ended;
  wishes_.clear();
  drop_kept();
  for (const auto& [id, job] : running_) cancellations_.push_back(id);
  passes_.clear();
  statistics_.clear();
  parts_.clear();
  metadata_.reset();
}

// Decoder and encoders that nobody goes on with: their memory is theirs until the worker has let go of them.
void ImageTask::drop_kept() {
  if (decoder_) dropped_.push_back(std::move(*decoder_));
  decoder_.reset();
  for (PassState& pass : passes_) {
    if (pass.encoder) dropped_.push_back(std::move(*pass.encoder));
    pass.encoder.reset();
  }
}

std::vector<std::uint64_t> ImageTask::take_cancellations() { return std::exchange(cancellations_, {}); }

const Terminal* ImageTask::terminal() const {
  return terminal_ && running_.empty() && dropped_.empty() ? &*terminal_ : nullptr;
}

}  // namespace tessera::pipeline
