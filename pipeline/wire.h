// What the payloads of jobs and completions mean in this program. Fixed-size and trivially copyable; whatever comes
// from a worker is checked here before it is believed.
#pragma once

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/breadcrumb.h"
#include "pipeline/injection.h"
#include "pipeline/plan.h"
#include "workers/job.h"

namespace tessera::pipeline {

using Hash128 = std::array<std::byte, 16>;  // XXH3-128, most significant byte first

enum class JobKind : std::uint8_t {
  whole,   // probe, plan, all passes, all products. block 0: workspace. fds: input, then one per product
  decode,  // spread: decoder -> one part of the frame. block 0: the part, block 1: metadata, the first time. fds: input
  band,    // spread: one band of one pass. block 0: band (empty when only measured), block 1: statistic, last: table
  resolve,  // spread: merges a statistic's parts. block 0: the sum, last: table
  encode,   // spread: the next bands -> product. block 0: metadata, last: table. fds: product
  info,     // header of a file, for `info` and `plan`. fds: input
  pixels,   // hash of a file's decoded pixels, for `verify`. fds: input
  hash,     // hash of a file's bytes, for `run --resume` and of a spread image. fds: input
  drop,     // spread: forgets the decoder and the encoder that were kept for an image. No blocks, no fds
};

/// Products a whole job can report in one completion; recipes with more go the spread route.
constexpr std::size_t kMaxWholeProducts = 4;

struct JobPayload {
  JobKind kind = JobKind::whole;
  std::uint8_t input_codec = 0;  // index into codecs(): the input's by its extension, for outputs that keep it
  std::uint8_t has_input_codec = 0;
  std::uint32_t pass = 0;                     // band, encode
  std::uint32_t band = 0;                     // band; encode: the first one; decode: which part
  std::uint32_t band_end = 0;                 // encode: behind the last one
  std::uint32_t epoch = 0;                    // spread: with `image` the name of what a worker keeps between jobs
  std::uint64_t image = 0;                    // spread
  std::uint32_t statistic = 0;                // resolve
  std::uint32_t sync = 0;                     // whole, encode: 1: products are on the disk before the answer (--fsync)
  InjectedFault fault = InjectedFault::none;  // whole, band: to be done in the middle of the picture
  std::uint64_t private_bytes = 0;            // whole: what was admitted beside block 0
  std::uint64_t decline_above = 0;            // whole: decline images of more pixels, so that the route can be chosen
  std::uint64_t max_pixels = 0;               // 0: no limit
  stages::Header header;                      // all spread kinds
};
static_assert(std::is_trivially_copyable_v<JobPayload> && sizeof(JobPayload) <= sizeof(workers::Job::payload));

struct ProductResult {
  std::uint64_t bytes = 0;
  std::int32_t width = 0, height = 0;
  Hash128 file_hash{}, pixel_hash{};
};

struct CompletionPayload {
  stages::Header header;                           // whole, info
  stages::ImageInfo resolved;                      // resolve: what the stage's output is now known to be
  std::uint64_t need_block = 0, need_private = 0;  // declined
  Hash128 source_hash{};                           // whole, hash, pixels (of the pixels)
  std::uint64_t source_state = 0;                  // decode, hash: another one means that the file has changed
  std::uint32_t products = 0;                      // whole, encode: 1 with the last band
  std::array<std::uint32_t, kPhases> phases_us{};  // wall time by step; not of failed or cancelled jobs
  std::array<ProductResult, kMaxWholeProducts> product{};
};
static_assert(std::is_trivially_copyable_v<CompletionPayload> &&
              sizeof(CompletionPayload) <= sizeof(workers::Completion::payload));

/// Why an image came to a bad end. A failed job gives the first ones, in Completion::reason (the sentence is the
/// payload's text; negative ones are the slot loop's); the coordinator alone gives the rest. Numbers and words are kept
/// in journals and manifests: they do not change.
enum class FailReason : std::int32_t {
  no_descriptors = workers::kNoDescriptors,
  block_lost = workers::kBlockLost,
  allocation = workers::kOutOfMemory,  // as out_of_memory, seen by the slot loop
  exception = workers::kException,     // one that is no ImageError
  none = 0,
  image = 1,      // the picture's fault: damaged, unsupported, cannot be cropped so
  too_large = 2,  // over --max-pixels
  out_of_memory = 3,
  output = 4,    // writing failed: disk full, I/O error. Not the picture's fault
  changed = 5,   // the input changed while it was read
  io_error = 6,  // the input could not be read: a damaged disk, a lost network
  // The coordinator's:
  timeout = 20,      // it ran past its limits
  policy = 21,       // its worker asked the system for what no worker may have
  crashed = 22,      // its worker died twice with it
  memory = 23,       // it takes more than --memory or --worker-memory allow
  missing = 24,      // no such file
  unreadable = 25,   // no permission
  special = 26,      // a folder, a pipe, a device: no regular file
  cancelled = 27,    // nobody wanted it any more
  interrupted = 28,  // its workers kept being killed for others
};
/// "timeout", "out_of_memory": what the manifest says.
std::string_view to_string(FailReason);
/// A job's own reason, as far as a job may give it; else `exception`.
FailReason reason_of(const workers::Completion&);

/// What a spread job reads beside its own blocks: pieces of a frame, parts of statistics, sizes already resolved.
struct Table {
  struct Piece {
    workers::Block block;
    std::int32_t y0 = 0, y1 = 0;
  };
  std::vector<Piece> pieces;               // of the source frame, ascending
  std::vector<workers::Block> statistics;  // [statistic], merged; resolve: the parts
  std::vector<stages::ImageInfo> resolved;
};
std::vector<std::byte> to_bytes(const Table&);
/// Throws std::runtime_error when the bytes are not a table.
Table table_from(workers::ReadBytes);

template <class Payload, std::size_t N>
void put_payload(const Payload& payload, std::array<std::byte, N>& into) {
  static_assert(std::is_trivially_copyable_v<Payload> && sizeof(Payload) <= N);
  std::memcpy(into.data(), &payload, sizeof payload);
}
template <class Payload, std::size_t N>
Payload get_payload(const std::array<std::byte, N>& from) {
  static_assert(std::is_trivially_copyable_v<Payload> && sizeof(Payload) <= N);
  Payload payload;
  std::memcpy(&payload, from.data(), sizeof payload);
  return payload;
}

/// The text of a failed completion: zero-terminated or cut at the payload's end, control characters escaped.
std::string failure_text(const workers::Completion&);
void put_failure(workers::Completion&, FailReason, std::string_view sentence);

/// False if a header that came from a worker cannot be one.
bool plausible(const stages::Header&);
/// False if `resolved` cannot be what a stage cuts out of the image that was measured for it.
bool plausible(const stages::ImageInfo& resolved, const stages::ImageInfo& measured);

}  // namespace tessera::pipeline
