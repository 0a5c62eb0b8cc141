// libpng objects with our byte sources and sinks behind them and its errors turned into ImageError. Shared by the PNG
// decoder and encoder; nothing outside codecs/png* includes it.
#pragma once

#include <array>

#include <png.h>

#include "stages/codec.h"
#include "stages/codecs/call_guard.h"

namespace tessera::stages {

/// A png_struct and its info. Every call into libpng goes through run().
class PngObject {
 public:
  PngObject(const PngObject&) = delete;
  PngObject& operator=(const PngObject&) = delete;

  /// See CallGuard::run for what `call` may hold. Throws ImageError, std::bad_alloc, or what source or sink threw.
  template <class Call>
  void run(const Call& call) {
    if (!guard_.run(call)) throw_error();
  }

  png_structp png = nullptr;
  png_infop info = nullptr;

 protected:
  PngObject() = default;
  ~PngObject() = default;
  static void on_error(png_structp, png_const_charp message);
  static void on_warning(png_structp, png_const_charp message);
  static png_voidp allocate(png_structp, png_alloc_size_t bytes);
  static void release(png_structp, png_voidp memory);
  [[noreturn]] virtual void throw_error();

  CallGuard guard_;
  bool fail_on_warning_ = false, truncated_ = false, out_of_memory_ = false;
  std::array<char, 160> message_{}, warning_{};  // the error; the last warning before it
};

class PngReader final : public PngObject {
 public:
  PngReader(ByteSource&, FailOn);
  ~PngReader();

  /// Everything before the first IDAT. Text, EXIF and unknown chunks are skipped (see png_chunks.h).
  void read_header();

  /// For the sentence about a truncated file: image rows that were read so far, of how many.
  std::uint32_t rows_done = 0, rows = 0;

 private:
  static void read(png_structp, png_bytep to, std::size_t bytes);
  void limit();
  [[noreturn]] void throw_error() override;

  ByteSource& source_;
  std::uint64_t offset_ = 0;
};

class PngWriter final : public PngObject {
 public:
  explicit PngWriter(ByteSink&);
  ~PngWriter();

 private:
  static void write(png_structp, png_bytep from, std::size_t bytes);

  ByteSink& sink_;
  std::uint64_t offset_ = 0;
};

/// Memory of one reader or writer that does not grow with the image: zlib's window and tables, buffers.
constexpr std::uint64_t kPngFixedBytes = 512 << 10;

}  // namespace tessera::stages
