// The stages and formats that a recipe may name. Everything that reads recipes, templates or folders takes one of
// these, so that tests can bring their own; programs use the built-in one. Owns nothing: the lists outlive it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "stages/catalogue.h"
#include "stages/codec.h"

namespace tessera::pipeline {

struct Vocabulary {
  std::span<const stages::StageEntry> stages;
  std::span<const stages::Codec* const> codecs;

  const stages::StageEntry* find_stage(std::string_view name) const;     // nullptr if unknown
  const stages::Codec* find_codec(std::string_view name) const;          // "jpeg"; nullptr if unknown
  const stages::Codec* codec_for_extension(std::string_view ext) const;  // "JPG", ".jpg"; nullptr if unknown
  std::vector<std::string_view> stage_names() const;
  std::vector<std::string_view> codec_names() const;
};

/// stages::catalogue() and stages::listed_codecs(); in a test build also its own stage.
const Vocabulary& built_in();

}  // namespace tessera::pipeline
