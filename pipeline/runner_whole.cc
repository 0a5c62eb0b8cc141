// A whole image in one job: probe, plan, passes, products. Rows stream from the decoder to the encoder wherever the
// plan found that possible; frames lie in the job's workspace block.
#include <algorithm>
#include <numeric>

#include "pipeline/limits.h"
#include "pipeline/runner_parts.h"
#include "stages/frame_layout.h"
#include "stages/test_faults.h"
#include "workers/fault_point.h"

namespace tessera::pipeline {
using namespace stages;
namespace {

/// A decoder is asked for rows while the chain renders: that time is the decoder's.
class DecodeStep final : public Source {
 public:
  DecodeStep(Source& rows, const JobCall& call) : rows_(rows), call_(call) {}
  const ImageInfo& info() const override { return rows_.info(); }
  View fetch(const Region& region) override {
    call_.step(JobStep::decode);
    const View view = rows_.fetch(region);
    call_.step(JobStep::stages);
    return view;
  }

 private:
  Source& rows_;
  const JobCall& call_;
};

class WholeJob {
 public:
  explicit WholeJob(JobCall& call) : call_(call), recipe_(*call.state.recipe), source_(call.context.fd(0)), result_{} {}

  void run() {
    result_.header = checked_probe(call_, source_);
    call_.step(JobStep::plan);
    codecs_ = product_codecs(call_);
    plan_ = make_plan(recipe_, result_.header, codecs_, call_.state.options, Route::whole, {});
    if (declined()) return put_payload(result_, call_.completion.payload);
    call_.step(JobStep::decode);
    decoder_ = codecs()[result_.header.codec]->decode(source_, plan_.decode);
    metadata_ = decoder_->metadata();
    std::size_t done = 0;
    while (true) {
      placement_ = place_frames(plan_, placement_.offsets);
      if (!plan_.frames.empty() && placement_.workspace_bytes > call_.block(0).bytes) return decline_late();
      for (; done < plan_.passes.size(); ++done) run_pass(plan_.passes[done]);
      if (plan_.complete) break;
      const auto resolved = resolve_sizes(plan_, statistics_);
      plan_ = make_plan(recipe_, result_.header, codecs_, call_.state.options, Route::whole, resolved);
    }
    result_.products = static_cast<std::uint32_t>(codecs_.size());
    put_payload(result_, call_.completion.payload);
  }

 private:
  bool declined() {
    const ImagePlan full =
        plan_.complete ? plan_
                       : make_plan(recipe_, result_.header, codecs_, call_.state.options, Route::whole, {}, true);
    const std::uint64_t pixels = pixels_of(result_.header.full);
    call_.context.progress(claim_of(std::max(pixels, pixels_of(full))));
    const bool fits = full.frame_bytes <= call_.block(0).bytes && full.private_bytes <= call_.payload.private_bytes;
    if (fits && pixels <= call_.payload.decline_above) return false;
    decline(full.frame_bytes, full.private_bytes);
    return true;
  }
  // Frames of resolved sizes fitted worse than their upper bounds did.
  void decline_late() {
    decline(placement_.workspace_bytes * 2, plan_.private_bytes);
    put_payload(result_, call_.completion.payload);
  }
  void decline(std::uint64_t block_bytes, std::uint64_t private_bytes) {
    call_.completion.outcome = workers::Outcome::declined;
    result_.need_block = block_bytes;
    result_.need_private = private_bytes;
  }

  View frame(std::int32_t index) { return mutable_frame(index); }
  MutableView mutable_frame(std::int32_t index) {
    const auto i = static_cast<std::size_t>(index);
    const ImageInfo& info = plan_.frames[i];
    return view_in(call_.context.write(call_.block(0)).subspan(placement_.offsets[i]), info, info.bounds());
  }

  void run_pass(const Pass& pass) {
    Scratch& scratch = call_.memory.scratch;
    const Scratch::Mark mark(scratch);
    const std::vector<ReadBytes> known(statistics_.begin(), statistics_.end());
    const Chain chain = bind_pass(pass, known);
    const bool from_decoder = pass.from_frame == kDecoder;
    const bool direct = from_decoder && pass.steps.empty();
    std::unique_ptr<Source> source, rows;
    if (!from_decoder) {
      source = std::make_unique<FrameSource>(pass.input, frame(pass.from_frame));
    } else if (!direct) {
      const WriteBytes ring = scratch.take(DecoderSource::ring_bytes(plan_.decode_traits, pass.ring_rows));
      const Region needed = chain.required_input(chain.output().bounds());
      rows = std::make_unique<DecoderSource>(*decoder_, plan_.decode_traits, needed, ring, pass.ring_rows);
      source = std::make_unique<DecodeStep>(*rows, call_);
    }
    MutableView target;
    if (pass.into_frame >= 0) target = mutable_frame(pass.into_frame);
    std::unique_ptr<ProductWriter> product;
    if (pass.product >= 0) {
      const auto i = static_cast<std::size_t>(pass.product);
      product = std::make_unique<ProductWriter>(recipe_.outputs[i], *codecs_[i], pass.output, metadata_,
                                                call_.context.fd(1 + i), call_.payload.sync != 0);
    }
    std::unique_ptr<const Reduction> reduction;
    if (pass.measures >= 0) {
      const Statistic& statistic = plan_.statistics[static_cast<std::size_t>(pass.measures)];
      reduction = statistic.stage->reduction(statistic.measured);
      statistics_.resize(std::max(statistics_.size(), static_cast<std::size_t>(pass.measures) + 1));
      statistics_[static_cast<std::size_t>(pass.measures)].assign(statistic.bytes, std::byte{0});
    }

    for (std::int32_t b = 0; b < pass.bands(); ++b) {
      if (call_.context.cancelled()) throw Cancelled();
      const Scratch::Mark band_mark(scratch);
      const Region region = pass.band(b);
      const MutableView band =
          pass.into_frame >= 0 ? sub_view(pass.output, target, region) : scratch.take_view(pass.output, region);
      call_.step(from_decoder ? JobStep::decode : JobStep::stages);
      fault_here("stage");
      obey_injection(call_, pass, region);
      if (direct)
        decoder_->read(band);
      else
        chain.render(*source, band, scratch, call_.note_stages());
      if (reduction)
        call_.step(JobStep::measure), reduction->measure(band, statistics_[static_cast<std::size_t>(pass.measures)]);
      if (product) call_.step(JobStep::encode), fault_here("encode"), product->write(band);
    }
    if (from_decoder) finish_decoding();
    call_.step(JobStep::finish);
    fault_here("finish");
    if (product) result_.product[static_cast<std::size_t>(pass.product)] = product->finish(call_);
  }

  void finish_decoding() {
    call_.step(JobStep::decode);
    decoder_->finish();
    decoder_.reset();
    result_.source_hash = source_.hash_all();
    source_.check_unchanged();
    workers::fault_point("worker.decoded");
  }

  JobCall& call_;
  const Recipe& recipe_;
  FdSource source_;
  CompletionPayload result_;
  std::vector<const Codec*> codecs_;
  ImagePlan plan_;
  Placement placement_;
  std::unique_ptr<Decoder> decoder_;
  Metadata metadata_;
  std::vector<std::vector<std::byte>> statistics_;
};

}  // namespace

void run_whole(JobCall& call) { WholeJob(call).run(); }

}  // namespace tessera::pipeline
