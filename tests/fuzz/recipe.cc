// Recipe files. What parses has one canonical form, which parses back to itself and to the same hash.
#include "pipeline/recipe.h"

#include <optional>

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  std::optional<pipeline::RecipeFile> file;
  try {
    file = pipeline::parse_recipe(fuzz::text_of(data, size), "fuzz.toml");
  } catch (const pipeline::UsageError&) {
    return 0;
  }
  const std::string canonical = file->recipe.canonical();
  const pipeline::RecipeFile again = pipeline::parse_recipe(canonical, "canonical");
  fuzz::require(again.recipe.canonical() == canonical, "the canonical form parses back to itself");
  fuzz::require(again.recipe.hash() == file->recipe.hash(), "equal recipes have equal hashes");
  return 0;
}
