#include "stages/geometry/geometry_stages.h"

namespace tessera::stages {

std::vector<StageEntry> geometry_stages() {
  return {resize_stage(), crop_stage(), trim_stage(), pad_stage(), rotate_stage(), flip_stage(), flop_stage()};
}

}  // namespace tessera::stages
