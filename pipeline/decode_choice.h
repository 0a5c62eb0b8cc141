// How an image is decoded for a recipe: how far the decoder shrinks it, and whether it keeps its planes. Pure, a part
// of the plan.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/recipe.h"
#include "stages/codec.h"

namespace tessera::pipeline {

struct DecodeChoice {
  stages::DecodeRequest request;
  std::vector<std::string> reasons;
};

/// Throws ImageError when a stage cannot work on this image.
DecodeChoice choose_decode(const Recipe&, const stages::Header&, std::span<const stages::Codec* const> product_codecs);

/// The grid of the chroma planes in output `output`; empty: its format or settings take no planes.
std::optional<stages::Grid> chroma_of(const Recipe&, std::span<const stages::Codec* const> product_codecs,
                                      std::size_t output);

}  // namespace tessera::pipeline
