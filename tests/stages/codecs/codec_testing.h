// What the codec tests share: whole images in and out through random bands, pictures with planes, files of the disk.
#pragma once

#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "stages/codec.h"
#include "tests/stages/naive.h"

namespace tessera::tests {

using Bytes = std::vector<std::byte>;

/// Ascending full-width bands that end at multiples of `multiple`; one band without `random`.
std::vector<stages::Region> bands_of(const stages::ImageInfo&, std::int32_t multiple, std::mt19937* random);

stages::Values settings_of(const std::string& codec, const std::vector<stages::Values::Pair>& given = {});

Bytes encode(const std::string& codec, const OwnedImage&, const std::vector<stages::Values::Pair>& settings = {},
             const stages::Metadata& = {}, std::mt19937* random = nullptr);

/// Probes, decodes every row in bands, finishes. Throws what the codec throws.
OwnedImage decode(const Bytes& file, const stages::DecodeRequest& = {}, std::mt19937* random = nullptr);
stages::Metadata metadata_of(const Bytes& file);
stages::Header probe_bytes(const Bytes& file);

bool same_pixels(const OwnedImage&, const OwnedImage&);
double mean_difference(const OwnedImage&, const OwnedImage&);

/// ycbcr_planar u8 with chroma subsampled by 2^x, 2^y: gradients, an edge, noise.
OwnedImage planar_picture(std::mt19937& random, int width, int height, std::uint8_t chroma_x, std::uint8_t chroma_y);
/// Interleaved, of random_image.
OwnedImage picture(std::mt19937& random, int width, int height, stages::PixelFormat);

Bytes to_bytes(std::string_view text);
Bytes read_file(const std::filesystem::path&);
/// Files below the shared data's `folder` with one of the extensions, sorted; empty, with a warning, if it is missing.
std::vector<std::filesystem::path> shared_files(const std::string& folder, const std::vector<std::string>& extensions);

/// A minimal ICC profile of `size` bytes (at least 132) for "RGB " or "GRAY", filled with noise that depends on `seed`.
Bytes profile(std::size_t size, const char* space, unsigned seed = 1);
/// EXIF with an orientation, a copyright text, an Exif directory with a maker note, and a thumbnail, as cameras write.
Bytes camera_exif(bool big_endian, std::uint16_t orientation, std::size_t thumbnail_bytes = 200);

}  // namespace tessera::tests
