#include "stages/codecs/jpeg_io.h"

#include <fmt/format.h>
#include <jerror.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>

namespace tessera::stages {
namespace {

constexpr std::size_t kChunkBytes = 64 << 10;
// Header markers are kept in memory until they are read. 255 segments of ICC profile are 16 MB; nothing honest is more.
constexpr std::uint64_t kMaxHeaderBytes = 32 << 20;
// Each scan walks the whole coefficient array, however few bytes it has. Real files have about ten.
constexpr int kMaxScans = 500;

static_assert(std::is_standard_layout_v<JpegErrors>);
JpegErrors& errors_of(j_common_ptr cinfo) { return *reinterpret_cast<JpegErrors*>(cinfo->err); }

void on_error(j_common_ptr cinfo) {
  JpegErrors& errors = errors_of(cinfo);
  errors.out_of_memory = cinfo->err->msg_code == JERR_OUT_OF_MEMORY;
  cinfo->err->format_message(cinfo, errors.message.data());
  errors.guard.leave();
}

// level < 0: libjpeg went on with data that it knows to be wrong. Traces (level >= 0) are of no interest.
void on_message(j_common_ptr cinfo, int level) {
  if (level >= 0) return;
  JpegErrors& errors = errors_of(cinfo);
  ++cinfo->err->num_warnings;
  if (errors.fail_on == FailOn::none) return;
  // An end marker amid a scan is the end of the file as far as the picture goes (a cut file that a tool "repaired").
  if (cinfo->is_decompressor && cinfo->err->msg_code == JWRN_HIT_MARKER &&
      reinterpret_cast<j_decompress_ptr>(cinfo)->unread_marker == JPEG_EOI) {
    errors.truncated = true;
    errors.guard.leave();
  }
  if (errors.fail_on == FailOn::warning) on_error(cinfo);
}

void ignore(j_common_ptr) {}
void ignore_source(j_decompress_ptr) {}

}  // namespace

void JpegErrors::install(j_common_ptr cinfo) {
  cinfo->err = jpeg_std_error(&manager);
  manager.error_exit = [](j_common_ptr c) { on_error(c); };
  manager.emit_message = on_message;
  manager.output_message = ignore;
}

void JpegErrors::leave(const char* sentence) {
  std::strncpy(message.data(), sentence, message.size() - 1);
  guard.leave();
}

void JpegErrors::throw_unless_truncated() {
  guard.rethrow_kept();
  if (out_of_memory) throw std::bad_alloc();
  if (!truncated) throw ImageError(fmt::format("JPEG: {}", message.data()));
}

JpegReader& JpegReader::of(j_decompress_ptr cinfo) { return *static_cast<JpegReader*>(cinfo->client_data); }

JpegReader::JpegReader(ByteSource& bytes, FailOn fail_on) {
  errors_.fail_on = fail_on;
  errors_.install(reinterpret_cast<j_common_ptr>(&cinfo));
  cinfo.client_data = this;
  run([&] { jpeg_create_decompress(&cinfo); });
  source_.bytes = &bytes;
  source_.manager.init_source = ignore_source;
  source_.manager.fill_input_buffer = fill_input;
  source_.manager.skip_input_data = skip_input;
  source_.manager.resync_to_restart = jpeg_resync_to_restart;
  source_.manager.term_source = ignore_source;
  cinfo.src = &source_.manager;
  progress_.progress_monitor = check_scan_count;
  cinfo.progress = &progress_;
}

JpegReader::~JpegReader() { jpeg_destroy_decompress(&cinfo); }

boolean JpegReader::fill_input(j_decompress_ptr cinfo) {
  JpegReader& self = of(cinfo);
  Source& source = self.source_;
  if (source.in_header && source.offset > kMaxHeaderBytes)
    self.errors_.leave("its header is larger than 32 MiB, more than any picture needs");
  ReadBytes next;
  if (!self.errors_.guard.keep_exception([&] { next = source.bytes->at(source.offset, kChunkBytes); }))
    self.errors_.guard.leave();
  source.offset += next.size();
  if (next.empty()) {
    if (self.errors_.fail_on != FailOn::none) {
      self.errors_.truncated = true;
      self.errors_.guard.leave();
    }
    static const std::array<std::byte, 2> end_of_image{std::byte{0xFF}, std::byte{JPEG_EOI}};
    next = end_of_image;
  }
  source.manager.next_input_byte = reinterpret_cast<const JOCTET*>(next.data());
  source.manager.bytes_in_buffer = next.size();
  return TRUE;
}

void JpegReader::skip_input(j_decompress_ptr cinfo, long bytes) {
  if (bytes <= 0) return;
  Source& source = of(cinfo).source_;
  const auto buffered = std::min(static_cast<std::size_t>(bytes), source.manager.bytes_in_buffer);
  source.manager.next_input_byte += buffered;
  source.manager.bytes_in_buffer -= buffered;
  source.offset += static_cast<std::size_t>(bytes) - buffered;
}

void JpegReader::check_scan_count(j_common_ptr cinfo) {
  JpegReader& self = of(reinterpret_cast<j_decompress_ptr>(cinfo));
  if (self.cinfo.input_scan_number > kMaxScans)
    self.errors_.leave("it has more than 500 scans, more than any picture needs");
}

void JpegReader::read_header() {
  run([&] {
    for (const int marker : {JPEG_APP0 + 1, JPEG_APP0 + 2, JPEG_APP0 + 13}) jpeg_save_markers(&cinfo, marker, 0xFFFF);
    jpeg_read_header(&cinfo, TRUE);
  });
  source_.in_header = false;
}

void JpegReader::throw_error() {
  errors_.throw_unless_truncated();
  if (source_.in_header) throw ImageError("truncated JPEG: the file ends in its header");
  constexpr const char* kRemedy = "--fail-on none decodes what is there";
  if (cinfo.output_scanline == 0 && jpeg_has_multiple_scans(&cinfo))
    throw ImageError(fmt::format("truncated JPEG: the file ends in scan {}; {}", cinfo.input_scan_number, kRemedy));
  const auto rows = std::min<std::uint64_t>(
      cinfo.image_height, std::uint64_t{cinfo.output_scanline} * cinfo.scale_denom / std::max(1u, cinfo.scale_num));
  throw ImageError(
      fmt::format("truncated JPEG: the file ends after {} of {} rows; {}", rows, cinfo.image_height, kRemedy));
}

JpegWriter& JpegWriter::of(j_compress_ptr cinfo) { return *static_cast<JpegWriter*>(cinfo->client_data); }

JpegWriter::JpegWriter(ByteSink& bytes) {
  errors_.install(reinterpret_cast<j_common_ptr>(&cinfo));
  cinfo.client_data = this;
  run([&] { jpeg_create_compress(&cinfo); });
  sink_.bytes = &bytes;
  sink_.buffer.resize(kChunkBytes);
  sink_.manager.init_destination = [](j_compress_ptr c) { of(c).rewind_buffer(); };
  sink_.manager.empty_output_buffer = [](j_compress_ptr c) -> boolean {
    of(c).flush(kChunkBytes);  // the whole buffer, whatever free_in_buffer says: libjpeg's contract
    of(c).rewind_buffer();
    return TRUE;
  };
  sink_.manager.term_destination = [](j_compress_ptr c) {
    of(c).flush(kChunkBytes - of(c).sink_.manager.free_in_buffer);
  };
  cinfo.dest = &sink_.manager;
}

JpegWriter::~JpegWriter() { jpeg_destroy_compress(&cinfo); }

void JpegWriter::rewind_buffer() {
  sink_.manager.next_output_byte = reinterpret_cast<JOCTET*>(sink_.buffer.data());
  sink_.manager.free_in_buffer = sink_.buffer.size();
}

void JpegWriter::flush(std::size_t bytes) {
  if (!errors_.guard.keep_exception(
          [&] { sink_.bytes->write_at(sink_.offset, ReadBytes(sink_.buffer.data(), bytes)); }))
    errors_.guard.leave();
  sink_.offset += bytes;
}

void JpegWriter::throw_error() {
  errors_.throw_unless_truncated();
  throw ImageError("JPEG: cannot be written");
}

}  // namespace tessera::stages
