#include "stages/catalogue.h"

#include <algorithm>
#include <iterator>

namespace tessera::stages {

const std::vector<StageEntry>& catalogue() {
  static const std::vector<StageEntry> entries = [] {
    std::vector<StageEntry> all;
    for (auto* list : {&geometry_stages, &tone_stages, &detail_stages})
      std::ranges::move(list(), std::back_inserter(all));
    return all;
  }();
  return entries;
}

const StageEntry* find_stage(std::string_view name) {
  const auto& entries = catalogue();
  const auto found = std::ranges::find(entries, name, &StageEntry::name);
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace tessera::stages
