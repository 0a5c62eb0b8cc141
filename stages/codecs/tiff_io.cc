#include "stages/codecs/tiff_io.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace tessera::stages {
namespace {

constexpr std::size_t kReadBytes = 256 << 10;  // asked of the source at once, which may keep a buffer as large

tmsize_t no_read(thandle_t, void*, tmsize_t) { return 0; }
tmsize_t no_write(thandle_t, void*, tmsize_t) { return 0; }
int no_close(thandle_t) { return 0; }

}  // namespace

void TiffHandle::close() {
  if (tif) TIFFCleanup(std::exchange(tif, nullptr));
}

void TiffHandle::open(const char* mode, TIFFReadWriteProc read, TIFFReadWriteProc write, TIFFSeekProc seek,
                      TIFFSizeProc size) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(kMaxTiffAllocation));
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, this);
  try {
    run([&] {
      tif = TIFFClientOpenExt("TIFF", mode, this, read, write, seek, no_close, size, nullptr, nullptr, options.get());
      return tif != nullptr;
    });
  } catch (...) {
    close();  // a warning may count as an error; no destructor runs after a constructor that throws
    throw;
  }
}

// Both answer 1: the handlers that libtiff shares between all handles are not to be called as well.
int TiffHandle::on_error(TIFF*, void* self, const char*, const char* format, va_list arguments) {
  auto& error = static_cast<TiffHandle*>(self)->error_;
  if (error[0] == '\0') std::vsnprintf(error.data(), error.size(), format, arguments);  // the first one is the cause
  return 1;
}

int TiffHandle::on_warning(TIFF* tif, void* self, const char* module, const char* format, va_list arguments) {
  // Neither a tag that libtiff does not know nor a text of several parts is anything that it had to repair.
  const std::string_view about(format);
  const bool harmless = about.starts_with("Unknown field") || about.starts_with("ASCII value for tag");
  if (static_cast<TiffHandle*>(self)->fail_on_warning_ && !harmless) on_error(tif, self, module, format, arguments);
  return 1;
}

void TiffHandle::forget() {
  error_[0] = '\0';
  kept_ = nullptr;
  truncated_ = false;
}

void TiffHandle::check(bool done) {
  if (kept_) std::rethrow_exception(std::exchange(kept_, nullptr));
  if (done && (error_[0] == '\0' || !fail_on_warning_)) return;
  if (truncated_)
    throw ImageError("truncated TIFF: the file ends before its pixels; --fail-on none decodes what is there");
  throw ImageError(fmt::format("TIFF: {}", error_[0] == '\0' ? "libtiff gives no reason" : error_.data()));
}

TiffReader::TiffReader(ByteSource& source, FailOn fail_on) : source_(source) {
  fail_on_warning_ = fail_on == FailOn::warning;
  // m: never mapped; h: no directory yet.
  open("rmh", read, no_write, seek, [](thandle_t handle) {
    return toff_t{static_cast<TiffReader*>(static_cast<TiffHandle*>(handle))->source_.size()};
  });
}

tmsize_t TiffReader::read(thandle_t handle, void* to, tmsize_t bytes) {
  auto& self = *static_cast<TiffReader*>(static_cast<TiffHandle*>(handle));
  tmsize_t done = 0;
  try {
    while (done < bytes) {
      const auto want = std::min(kReadBytes, static_cast<std::size_t>(bytes - done));
      const ReadBytes got = self.source_.at(self.offset_, want);
      if (!got.empty()) std::memcpy(static_cast<std::byte*>(to) + done, got.data(), got.size());
      done += static_cast<tmsize_t>(got.size());
      self.offset_ += got.size();
      if (got.size() < want) {
        self.truncated_ = true;
        break;
      }
    }
  } catch (...) {
    self.kept_ = std::current_exception();
    return 0;
  }
  return done;
}

toff_t TiffReader::seek(thandle_t handle, toff_t offset, int from) {
  auto& self = *static_cast<TiffReader*>(static_cast<TiffHandle*>(handle));
  const std::uint64_t base = from == SEEK_SET ? 0 : from == SEEK_CUR ? self.offset_ : self.source_.size();
  return self.offset_ = base + offset;
}

TiffCompressor::TiffCompressor(std::size_t most) {
  written_.reserve(most);
  open("w8l", no_read, write, seek, size);
  take();
}

ReadBytes TiffCompressor::take() {
  const ReadBytes bytes(written_);
  taken_ = true;
  return bytes;
}

tmsize_t TiffCompressor::write(thandle_t handle, void* from, tmsize_t bytes) {
  auto& self = *static_cast<TiffCompressor*>(static_cast<TiffHandle*>(handle));
  try {
    if (std::exchange(self.taken_, false)) self.written_.clear();
    const auto* const begin = static_cast<const std::byte*>(from);
    self.written_.insert(self.written_.end(), begin, begin + bytes);
  } catch (...) {
    self.kept_ = std::current_exception();
    return 0;
  }
  self.offset_ += static_cast<std::uint64_t>(bytes);
  self.end_ = std::max(self.end_, self.offset_);
  return bytes;
}

toff_t TiffCompressor::seek(thandle_t handle, toff_t offset, int from) {
  auto& self = *static_cast<TiffCompressor*>(static_cast<TiffHandle*>(handle));
  return self.offset_ = (from == SEEK_SET ? 0 : from == SEEK_CUR ? self.offset_ : self.end_) + offset;
}

toff_t TiffCompressor::size(thandle_t handle) {
  return static_cast<TiffCompressor*>(static_cast<TiffHandle*>(handle))->end_;
}

}  // namespace tessera::stages
