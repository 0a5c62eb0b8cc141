#include "pipeline/vocabulary.h"

#include <algorithm>
#include <string>

namespace tessera::pipeline {

const stages::StageEntry* Vocabulary::find_stage(std::string_view name) const {
  const auto found = std::ranges::find(stages, name, &stages::StageEntry::name);
  return found == stages.end() ? nullptr : &*found;
}

const stages::Codec* Vocabulary::find_codec(std::string_view name) const {
  const auto found = std::ranges::find_if(codecs, [&](const stages::Codec* codec) { return codec->name() == name; });
  return found == codecs.end() ? nullptr : *found;
}

const stages::Codec* Vocabulary::codec_for_extension(std::string_view ext) const {
  if (ext.starts_with('.')) ext.remove_prefix(1);
  std::string lower(ext);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const stages::Codec* codec : codecs)
    for (const std::string_view own : codec->extensions())
      if (own == lower) return codec;
  return nullptr;
}

std::vector<std::string_view> Vocabulary::stage_names() const {
  std::vector<std::string_view> names;
  for (const stages::StageEntry& entry : stages) names.push_back(entry.name);
  return names;
}

std::vector<std::string_view> Vocabulary::codec_names() const {
  std::vector<std::string_view> names;
  for (const stages::Codec* codec : codecs) names.push_back(codec->name());
  return names;
}

}  // namespace tessera::pipeline
