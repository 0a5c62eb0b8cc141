#include "stages/tone/tone.h"

namespace tessera::stages {

std::vector<StageEntry> tone_stages() {
  return {brightness_contrast_entry(), gamma_entry(),        levels_entry(),    grayscale_entry(),
          saturation_entry(),          invert_entry(),       threshold_entry(), equalize_entry(),
          auto_levels_entry(),         white_balance_entry()};
}

}  // namespace tessera::stages
