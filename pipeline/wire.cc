#include "pipeline/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "pipeline/printable.h"

namespace tessera::pipeline {
namespace {
// The longest side that any codec decodes (PNG's; tests/fuzz/decode.cc holds them to it). Planning a resize takes some
// 50 bytes for each pixel of a side: with kMaxSide a worker could make the coordinator take gigabytes.
constexpr std::int32_t kMaxDecodedSide = 1'000'000;
constexpr std::uint64_t kMostDecoderBytes = std::uint64_t{1} << 40;  // sums of a few do not overflow

struct TableHeader {
  std::uint32_t pieces, statistics, resolved, unused;
};

template <class T>
void append(std::vector<std::byte>& bytes, const T* items, std::size_t count) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto* begin = reinterpret_cast<const std::byte*>(items);
  bytes.insert(bytes.end(), begin, begin + count * sizeof(T));
}

template <class T>
std::vector<T> take(workers::ReadBytes& bytes, std::size_t count) {
  if (bytes.size() / sizeof(T) < count) throw std::runtime_error("a job's table is shorter than it says");
  std::vector<T> items(count);
  if (count > 0) std::memcpy(items.data(), bytes.data(), count * sizeof(T));
  bytes = bytes.subspan(count * sizeof(T));
  return items;
}

/// Bytes of another process may hold any number, and a bool that is neither 0 nor 1 is undefined behaviour once read.
bool is_bool(const bool& value) {
  std::uint8_t byte = 0;
  std::memcpy(&byte, &value, sizeof byte);
  return byte <= 1;
}

/// The plan asks the codec for what the header offers.
bool decodable_as_it_says(const stages::Header& header) {
  try {
    stages::DecodeRequest most;
    most.scale_log2 = header.max_scale_log2;
    most.planar = header.planar;
    return stages::valid(stages::codecs()[header.codec]->decode_traits(header, most).info);
  } catch (const std::exception&) {
    return false;
  }
}
}  // namespace

std::vector<std::byte> to_bytes(const Table& table) {
  std::vector<std::byte> bytes;
  const TableHeader header{static_cast<std::uint32_t>(table.pieces.size()),
                           static_cast<std::uint32_t>(table.statistics.size()),
                           static_cast<std::uint32_t>(table.resolved.size()), 0};
  append(bytes, &header, 1);
  append(bytes, table.pieces.data(), table.pieces.size());
  append(bytes, table.statistics.data(), table.statistics.size());
  append(bytes, table.resolved.data(), table.resolved.size());
  return bytes;
}

Table table_from(workers::ReadBytes bytes) {
  const TableHeader header = take<TableHeader>(bytes, 1)[0];
  Table table;
  table.pieces = take<Table::Piece>(bytes, header.pieces);
  table.statistics = take<workers::Block>(bytes, header.statistics);
  table.resolved = take<stages::ImageInfo>(bytes, header.resolved);
  return table;
}

std::string failure_text(const workers::Completion& completion) {
  const auto* begin = reinterpret_cast<const char*>(completion.payload.data());
  const auto* end = std::find(begin, begin + completion.payload.size(), '\0');
  std::string text = printable({begin, end});
  return text.empty() ? "unknown error" : text;
}

std::string_view to_string(FailReason reason) {
  switch (reason) {
    case FailReason::no_descriptors:
      return "no_descriptors";
    case FailReason::block_lost:
      return "block_lost";
    case FailReason::allocation:
    case FailReason::out_of_memory:
      return "out_of_memory";
    case FailReason::exception:
      return "exception";
    case FailReason::none:
      return "";
    case FailReason::image:
      return "image";
    case FailReason::too_large:
      return "too_large";
    case FailReason::output:
      return "output";
    case FailReason::changed:
      return "changed";
    case FailReason::io_error:
      return "io_error";
    case FailReason::timeout:
      return "timeout";
    case FailReason::policy:
      return "policy";
    case FailReason::crashed:
      return "crashed";
    case FailReason::memory:
      return "memory";
    case FailReason::missing:
      return "missing";
    case FailReason::unreadable:
      return "unreadable";
    case FailReason::special:
      return "special";
    case FailReason::cancelled:
      return "cancelled";
    case FailReason::interrupted:
      return "interrupted";
  }
  return "";
}

FailReason reason_of(const workers::Completion& completion) {
  const auto reason = static_cast<FailReason>(completion.reason);
  if (reason == FailReason::allocation) return FailReason::out_of_memory;
  const bool given = reason == FailReason::no_descriptors || reason == FailReason::block_lost ||
                     (reason >= FailReason::image && reason <= FailReason::io_error);
  return given ? reason : FailReason::exception;
}

void put_failure(workers::Completion& completion, FailReason reason, std::string_view sentence) {
  completion.outcome = workers::Outcome::failed;
  completion.reason = static_cast<std::int32_t>(reason);
  completion.payload.fill(std::byte{0});
  std::memcpy(completion.payload.data(), sentence.data(), std::min(sentence.size(), completion.payload.size() - 1));
}

bool plausible(const stages::Header& header) {
  const stages::ImageInfo& full = header.full;
  // As stored and unscaled: never planes, which a decoder only delivers when asked.
  const bool sides = full.width <= kMaxDecodedSide && full.height <= kMaxDecodedSide;
  const bool as_decoded = stages::valid(full) && sides && full.format.model != stages::Model::ycbcr_planar &&
                          full.grid == decltype(full.grid){} && is_bool(full.format.alpha);
  const bool chroma = header.chroma_log2[0] <= 2 && header.chroma_log2[1] <= 2;
  return as_decoded && chroma && is_bool(header.planar) && is_bool(header.progressive) && header.orientation >= 1 &&
         header.orientation <= 8 && header.pages >= 1 && header.max_scale_log2 <= 5 &&
         header.codec < stages::codecs().size() && header.metadata_bytes < (1u << 30) && header.block_rows >= 0 &&
         header.decoder_bytes <= kMostDecoderBytes && decodable_as_it_says(header);
}

bool plausible(const stages::ImageInfo& resolved, const stages::ImageInfo& measured) {
  return stages::valid(resolved) && is_bool(resolved.format.alpha) && resolved.format == measured.format &&
         resolved.width <= measured.width && resolved.height <= measured.height &&
         (resolved.full_size() || !measured.full_size());
}

}  // namespace tessera::pipeline
