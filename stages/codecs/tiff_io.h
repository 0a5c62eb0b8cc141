// A libtiff handle on a ByteSource, or as a compressor of blocks in memory, with its errors turned into ImageError.
// libtiff reports through handlers of the one handle (4.5), so no state is shared between threads. Nothing outside
// codecs/tiff* includes it.
#pragma once

#include <tiffio.h>

#include <array>
#include <cstdarg>
#include <exception>
#include <vector>

#include "stages/codec.h"

namespace tessera::stages {

/// Memory of one handle that does not grow with the image: tables of the decompressors, directories.
constexpr std::uint64_t kTiffFixedBytes = 512 << 10;
/// No single allocation of libtiff may be larger: a strip's compressed bytes, an array of offsets.
constexpr std::uint64_t kMaxTiffAllocation = 256 << 20;

class TiffHandle {
 public:
  TiffHandle(const TiffHandle&) = delete;
  TiffHandle& operator=(const TiffHandle&) = delete;

  /// Runs a call into libtiff and throws what the handlers kept: what the source threw, else an ImageError when `call`
  /// returned false. A warning counts as an error if the handle was told so.
  template <class Call>
  void run(const Call& call) {
    forget();
    const bool done = call();
    check(done);
  }

  TIFF* tif = nullptr;

 protected:
  TiffHandle() = default;
  ~TiffHandle() = default;
  /// For the destructors of those who own what the callbacks use: libtiff may still write.
  void close();
  void open(const char* mode, TIFFReadWriteProc read, TIFFReadWriteProc write, TIFFSeekProc seek, TIFFSizeProc size);

  std::exception_ptr kept_;
  bool fail_on_warning_ = false, truncated_ = false;

 private:
  static int on_error(TIFF*, void* self, const char* module, const char* format, va_list);
  static int on_warning(TIFF*, void* self, const char* module, const char* format, va_list);
  void forget();
  void check(bool done);

  std::array<char, 200> error_{};  // fixed: nothing may throw through libtiff's frames
};

/// Reads; no directory is chosen yet (TIFFSetSubDirectory chooses one).
class TiffReader final : public TiffHandle {
 public:
  /// The source must outlive it. Throws ImageError.
  TiffReader(ByteSource&, FailOn);
  ~TiffReader() { close(); }

 private:
  static tmsize_t read(thandle_t, void* to, tmsize_t bytes);
  static toff_t seek(thandle_t, toff_t offset, int from);

  ByteSource& source_;
  std::uint64_t offset_ = 0;
};

/// Compresses blocks: what libtiff would write of them into a file of its own is kept instead.
class TiffCompressor final : public TiffHandle {
 public:
  /// A block's compressed form is expected to have no more than `most` bytes.
  explicit TiffCompressor(std::size_t most);
  ~TiffCompressor() { close(); }
  /// Bytes that libtiff wrote since the last call, the block's compressed form. Valid until the next block.
  ReadBytes take();

 private:
  static tmsize_t write(thandle_t, void* from, tmsize_t bytes);
  static toff_t seek(thandle_t, toff_t offset, int from);
  static toff_t size(thandle_t);

  std::vector<std::byte> written_;
  std::uint64_t offset_ = 0, end_ = 0;
  bool taken_ = false;
};

}  // namespace tessera::stages
