#include "pipeline/runner.h"

#include <fmt/format.h>

#include "pipeline/metadata_block.h"
#include "pipeline/runner_parts.h"
#include "stages/test_faults.h"
#include "workers/fault_point.h"

namespace tessera::pipeline {
using namespace stages;

std::vector<const Codec*> product_codecs(const JobCall& call) {
  std::vector<const Codec*> chosen;
  for (const OutputSpec& output : call.state.recipe->outputs) {
    if (output.codec) {
      chosen.push_back(output.codec);
    } else {
      if (!call.payload.has_input_codec || call.payload.input_codec >= codecs().size())
        throw ImageError("its extension names no format that Tessera writes; choose the output's with --format");
      chosen.push_back(codecs()[call.payload.input_codec]);
    }
  }
  return chosen;
}

namespace {
// With malloc's own trim threshold (main.cc) the constant per worker that --memory does not count.
constexpr std::uint64_t kWarmScratch = 16 << 20;

class TooLarge : public ImageError {
 public:
  using ImageError::ImageError;
};

void run_job(const JobCall& call_in) {
  JobCall call = call_in;
  switch (call.payload.kind) {
    case JobKind::whole:
      return run_whole(call);
    case JobKind::decode:
      return run_decode(call);
    case JobKind::band:
      return run_band(call);
    case JobKind::resolve:
      return run_resolve(call);
    case JobKind::encode:
      return run_encode(call);
    case JobKind::info:
      return run_info(call);
    case JobKind::pixels:
      return run_pixels(call);
    case JobKind::hash:
      return run_hash(call);
    case JobKind::drop:
      return run_drop(call);
  }
  throw std::runtime_error("a job of an unknown kind");
}
}  // namespace

Header checked_probe(const JobCall& call, ByteSource& source) {
  call.step(JobStep::probe);
  const Header header = probe(source);
  const auto pixels = static_cast<std::uint64_t>(header.full.width) * static_cast<std::uint64_t>(header.full.height);
  if (call.payload.max_pixels > 0 && pixels > call.payload.max_pixels)
    throw TooLarge(fmt::format("{}x{} are more than {} pixels; raise --max-pixels to allow it", header.full.width,
                               header.full.height, call.payload.max_pixels));
  return header;
}

std::vector<ImageInfo> resolve_sizes(const ImagePlan& plan, std::span<const std::vector<std::byte>> statistics) {
  std::vector<ImageInfo> resolved;
  for (std::size_t i = 0; i < statistics.size() && i < plan.statistics.size(); ++i) {
    const Statistic& statistic = plan.statistics[i];
    if (!statistic.stage->output(statistic.measured))
      resolved.push_back(statistic.stage->bind(statistic.measured, {statistics[i]})->output());
  }
  return resolved;
}

void obey_injection(const JobCall& call, const Pass& pass, const Region& band) {
  const std::int32_t middle = pass.output.height / 2;
  if (call.payload.fault == InjectedFault::none || pass.product != 0 || middle < band.y0 || middle >= band.y1) return;
  call.context.step(breadcrumb_of(JobStep::injected));
  commit_fault(call.payload.fault);
}

ProductWriter::ProductWriter(const OutputSpec& output, const Codec& codec, const ImageInfo& info,
                             const Metadata& metadata, int fd, bool sync)
    : info_(info),
      sink_(fd),
      sync_(sync),
      encoder_(codec.encode(sink_, info, kept_metadata(metadata, output.keep), settings_for(output, codec))) {}

void ProductWriter::write(const View& band) {
  hasher_.add(band);
  encoder_->write(band);
}

ProductResult ProductWriter::finish(const JobCall& call) {
  call.step(JobStep::encode);
  encoder_->finish();  // for some formats all of the work
  workers::fault_point("worker.half_written");
  call.step(JobStep::finish);
  sink_.finish();
  if (sync_) sink_.sync();
  return {sink_.bytes(), info_.width, info_.height, sink_.hash(), hasher_.finish()};
}

workers::Run make_runner(std::shared_ptr<const Recipe> recipe, const PlanOptions& options, int slots) {
  auto state = std::make_shared<RunnerState>();
  state->recipe = std::move(recipe);
  state->options = options;
  state->slots.resize(static_cast<std::size_t>(slots));
  return [state](workers::JobContext& context, workers::Completion& completion) {
    PhaseClock phases;
    JobCall call{
        context, completion, *state, state->slots.at(context.slot()), get_payload<JobPayload>(context.job().payload),
        phases};
    call.step(JobStep::start);
    begin_faults(context.job().attempt);
    try {
      run_job(call);
    } catch (const Cancelled&) {
      completion.outcome = workers::Outcome::cancelled;
    } catch (const TooLarge& e) {
      put_failure(completion, FailReason::too_large, e.what());
    } catch (const ImageError& e) {
      put_failure(completion, FailReason::image, e.what());
    } catch (const InputChanged& e) {
      put_failure(completion, FailReason::changed, e.what());
    } catch (const InputUnreadable& e) {
      put_failure(completion, FailReason::io_error, e.what());
    } catch (const OutputError& e) {
      put_failure(completion, FailReason::output, e.what());
    } catch (const std::bad_alloc&) {
      put_failure(completion, FailReason::out_of_memory, "not enough memory to process it");
    }
    if (completion.outcome == workers::Outcome::done || completion.outcome == workers::Outcome::declined) {
      auto payload = get_payload<CompletionPayload>(completion.payload);
      payload.phases_us = phases.microseconds();
      put_payload(payload, completion.payload);
    }
    // The lease for it ends with the job; only what most pictures need stays warm.
    if (call.memory.scratch.resident_bytes() > kWarmScratch) call.memory.scratch.shrink();
  };
}

}  // namespace tessera::pipeline
