// Jobs that only look at a file: its header, a hash of its pixels or of its bytes. Nothing but a worker parses image
// bytes.
#include "pipeline/limits.h"
#include "pipeline/runner_parts.h"

namespace tessera::pipeline {
using namespace stages;

void run_info(JobCall& call) {
  FdSource source(call.context.fd(0));
  CompletionPayload result{};
  result.header = checked_probe(call, source);
  put_payload(result, call.completion.payload);
}

void run_pixels(JobCall& call) {
  FdSource source(call.context.fd(0));
  CompletionPayload result{};
  result.header = checked_probe(call, source);
  const DecodeRequest request{};
  const Codec& codec = *codecs()[result.header.codec];
  const Traits traits = codec.decode_traits(result.header, request);
  const std::int32_t rows =
      (std::max(64, traits.band_multiple) + traits.band_multiple - 1) / traits.band_multiple * traits.band_multiple;
  call.context.progress(claim_of(pixels_of(result.header.full)));
  call.step(JobStep::decode);
  const auto decoder = codec.decode(source, request);
  PixelHasher hasher;
  for (std::int32_t y = 0; y < traits.info.height; y += rows) {
    if (call.context.cancelled()) throw Cancelled();
    const Scratch::Mark mark(call.memory.scratch);
    const MutableView band =
        call.memory.scratch.take_view(traits.info, {0, y, traits.info.width, std::min(y + rows, traits.info.height)});
    decoder->read(band);
    hasher.add(band);
  }
  decoder->finish();
  result.source_hash = hasher.finish();
  put_payload(result, call.completion.payload);
}

void run_hash(JobCall& call) {
  FdSource source(call.context.fd(0));
  CompletionPayload result{};
  call.step(JobStep::finish);
  result.source_hash = source.hash_all();
  source.check_unchanged();
  result.source_state = source.state();
  put_payload(result, call.completion.payload);
}

}  // namespace tessera::pipeline
