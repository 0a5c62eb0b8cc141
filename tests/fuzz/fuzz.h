// What the fuzz targets share: properties that end the program, images with memory of their own, bands. A target is one
// file with one LLVMFuzzerTestOneInput; it lets only those exceptions pass for errors that its subject promises.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stages/frame_layout.h"
#include "stages/image.h"

namespace tessera::fuzz {

/// Aborts with the sentence, which libFuzzer reports with the input that led here.
void require(bool holds, const char* property);

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
inline stages::ReadBytes bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// Zeroed at first; rows padded as everywhere, so that the address sanitizer sees what leaves the frame.
class Picture {
 public:
  explicit Picture(const stages::ImageInfo&);
  /// Gradients, an edge and noise; floats go a little beyond 0 and 1.
  void fill(std::uint32_t seed);
  stages::MutableView view();
  stages::View view() const;
  const stages::ImageInfo& info() const { return info_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  stages::ImageInfo info_;
  std::uint64_t bytes_;
  std::unique_ptr<std::byte[], Free> memory_;
};

bool same_pixels(const Picture&, const Picture&);

/// Ascending full-width bands of `rows` rows, rounded up to the multiple; the last one ends with the image.
std::vector<stages::Region> bands(const stages::ImageInfo&, std::int32_t rows, std::int32_t multiple);

}  // namespace tessera::fuzz
