// The EXIF cleaner, density and profile checks on bytes that any file may hold.
#include "stages/codecs/metadata.h"

#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace stages;
namespace {

void clean(ReadBytes block) {
  const std::uint8_t orientation = exif_orientation(block);
  require(orientation >= 1 && orientation <= 8, "an orientation is 1 to 8");
  const std::vector<std::byte> once = cleaned_exif(block);
  require(once.size() <= block.size(), "cleaning adds nothing");
  require(exif_orientation(once) == 1, "cleaning resets the orientation");
  require(cleaned_exif(once) == once, "cleaning twice changes nothing");
}

void read_others(ReadBytes block) {
  if (const auto density = parse_density(block))
    require(parse_density(density_block(*density)) == density, "density survives its block");
  require((profile_id(block) == 0) == block.empty(), "only an empty profile has no identity");
  require(!(profile_fits(block, Model::gray) && profile_fits(block, Model::bgr)), "a profile is for gray or for RGB");
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tessera::fuzz::clean(tessera::fuzz::bytes_of(data, size));
  tessera::fuzz::read_others(tessera::fuzz::bytes_of(data, size));
  return 0;
}
