// libjpeg objects with our byte sources and sinks behind them and its errors turned into ImageError. Shared by the
// JPEG decoder and encoder; nothing outside codecs/jpeg* includes it.
#pragma once

#include <array>
#include <cstdio>  // jpeglib.h needs it
#include <vector>

#include <jpeglib.h>

#include "stages/codec.h"
#include "stages/codecs/call_guard.h"

namespace tessera::stages {

/// What went wrong inside libjpeg. The manager comes first: callbacks find the whole through cinfo->err.
struct JpegErrors {
  jpeg_error_mgr manager{};
  CallGuard guard;
  FailOn fail_on = FailOn::truncated;
  bool truncated = false, out_of_memory = false;
  std::array<char, JMSG_LENGTH_MAX> message{};

  void install(j_common_ptr);
  /// Leaves the guard with a sentence of our own.
  [[noreturn]] void leave(const char* sentence);
  /// Throws what made the guard's run() return false, except truncation, which the caller words.
  void throw_unless_truncated();
};

/// A jpeg_decompress_struct on a ByteSource. Every call into libjpeg goes through run().
class JpegReader {
 public:
  JpegReader(ByteSource&, FailOn);
  ~JpegReader();
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  /// Everything before the first scan's data; keeps the APP1, APP2 and APP13 markers. Throws ImageError.
  void read_header();

  /// See CallGuard::run for what `call` may hold. Throws ImageError, std::bad_alloc, or what the source threw.
  template <class Call>
  void run(const Call& call) {
    if (!errors_.guard.run(call)) throw_error();
  }

  jpeg_decompress_struct cinfo{};

 private:
  // libjpeg takes bytes through a pointer it advances; `offset` is where the next fetch starts.
  struct Source {
    jpeg_source_mgr manager{};
    ByteSource* bytes = nullptr;
    std::uint64_t offset = 0;
    bool in_header = true;
  };
  static JpegReader& of(j_decompress_ptr);
  static boolean fill_input(j_decompress_ptr);
  static void skip_input(j_decompress_ptr, long bytes);
  static void check_scan_count(j_common_ptr);
  [[noreturn]] void throw_error();

  JpegErrors errors_;
  Source source_;
  jpeg_progress_mgr progress_{};
};

/// A jpeg_compress_struct on a ByteSink.
class JpegWriter {
 public:
  explicit JpegWriter(ByteSink&);
  ~JpegWriter();
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  template <class Call>
  void run(const Call& call) {
    if (!errors_.guard.run(call)) throw_error();
  }

  jpeg_compress_struct cinfo{};

 private:
  struct Sink {
    jpeg_destination_mgr manager{};
    ByteSink* bytes = nullptr;
    std::uint64_t offset = 0;
    std::vector<std::byte> buffer;
  };
  static JpegWriter& of(j_compress_ptr);
  void flush(std::size_t bytes);
  void rewind_buffer();
  [[noreturn]] void throw_error();

  JpegErrors errors_;
  Sink sink_;
};

/// Memory of one reader or writer that does not grow with the image: tables, buffers.
constexpr std::uint64_t kJpegFixedBytes = 256 << 10;

}  // namespace tessera::stages
