#include "stages/codecs/png_io.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tessera::stages {
namespace {

constexpr png_uint_32 kMaxPngSide = 1000000;           // libpng's own default
constexpr png_alloc_size_t kMaxChunkBytes = 16 << 20;  // one decompressed chunk: an ICC profile
constexpr png_uint_32 kMaxKeptChunks = 16;

}  // namespace

void PngObject::on_error(png_structp png, png_const_charp message) {
  auto& self = *static_cast<PngObject*>(png_get_error_ptr(png));
  std::strncpy(self.message_.data(), message, self.message_.size() - 1);
  self.guard_.leave();
}

void PngObject::on_warning(png_structp png, png_const_charp message) {
  auto& self = *static_cast<PngObject*>(png_get_error_ptr(png));
  std::strncpy(self.warning_.data(), message, self.warning_.size() - 1);
  if (self.fail_on_warning_) on_error(png, message);
}

png_voidp PngObject::allocate(png_structp png, png_alloc_size_t bytes) {
  void* memory = std::malloc(bytes);
  if (!memory) static_cast<PngObject*>(png_get_mem_ptr(png))->out_of_memory_ = true;
  return memory;
}

void PngObject::release(png_structp, png_voidp memory) { std::free(memory); }

void PngObject::throw_error() {
  guard_.rethrow_kept();
  if (out_of_memory_) throw std::bad_alloc();
  // Of a bad IHDR, libpng tells the reason as a warning and then fails without one.
  const bool reason = std::strcmp(message_.data(), "Invalid IHDR data") == 0 && warning_[0] != 0;
  throw ImageError(fmt::format("PNG: {}", (reason ? warning_ : message_).data()));
}

PngReader::PngReader(ByteSource& source, FailOn fail_on) : source_(source) {
  fail_on_warning_ = fail_on == FailOn::warning;
  PngObject* const self = this;
  run([&] {
    png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, self, on_error, on_warning, self, allocate, release);
    info = png ? png_create_info_struct(png) : nullptr;
  });
  if (!info) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    throw std::bad_alloc();
  }
  png_set_read_fn(png, this, read);
  limit();
  // Only the picture's own chunks: a tRNS that probing left out must not appear here and change the format.
  if (fail_on == FailOn::none) png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_DEFAULT);
}

PngReader::~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }

void PngReader::limit() {
  png_set_user_limits(png, kMaxPngSide, kMaxPngSide);
  png_set_chunk_cache_max(png, kMaxKeptChunks);
  png_set_chunk_malloc_max(png, kMaxChunkBytes);
  png_set_option(png, PNG_SKIP_sRGB_CHECK_PROFILE, PNG_OPTION_ON);
  // Chunks that nothing here asks libpng for: less code sees hostile bytes.
  static constexpr png_byte kSkipped[] = "tEXt\0zTXt\0iTXt\0eXIf\0tIME\0hIST\0sPLT\0sCAL\0pCAL\0oFFs\0bKGD";
  run([&] { png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kSkipped, sizeof kSkipped / 5); });
}

void PngReader::read(png_structp png, png_bytep to, std::size_t bytes) {
  auto& self = *static_cast<PngReader*>(png_get_io_ptr(png));
  ReadBytes got;
  if (!self.guard_.keep_exception([&] { got = self.source_.at(self.offset_, bytes); })) self.guard_.leave();
  if (got.size() < bytes) {
    self.truncated_ = true;
    self.guard_.leave();
  }
  std::memcpy(to, got.data(), bytes);
  self.offset_ += bytes;
}

void PngReader::read_header() {
  run([&] { png_read_info(png, info); });
  rows = png_get_image_height(png, info);
}

void PngReader::throw_error() {
  guard_.rethrow_kept();
  if (!truncated_) PngObject::throw_error();
  if (rows == 0) throw ImageError("truncated PNG: the file ends in its header");
  throw ImageError(fmt::format("truncated PNG: the file ends after {} of {} rows; --fail-on none decodes what is there",
                               rows_done, rows));
}

PngWriter::PngWriter(ByteSink& sink) : sink_(sink) {
  PngObject* const self = this;
  run([&] {
    png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, self, on_error, on_warning, self, allocate, release);
    info = png ? png_create_info_struct(png) : nullptr;
  });
  if (!info) {
    png_destroy_write_struct(&png, nullptr);
    throw std::bad_alloc();
  }
  png_set_write_fn(png, this, write, [](png_structp) {});
  png_set_benign_errors(png, 1);  // a metadata block that libpng finds wrong is left out
}

PngWriter::~PngWriter() { png_destroy_write_struct(&png, &info); }

void PngWriter::write(png_structp png, png_bytep from, std::size_t bytes) {
  auto& self = *static_cast<PngWriter*>(png_get_io_ptr(png));
  if (!self.guard_.keep_exception(
          [&] { self.sink_.write_at(self.offset_, ReadBytes(reinterpret_cast<const std::byte*>(from), bytes)); }))
    self.guard_.leave();
  self.offset_ += bytes;
}

}  // namespace tessera::stages
