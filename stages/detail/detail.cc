#include "stages/detail/detail.h"

namespace tessera::stages {

std::vector<StageEntry> detail_stages() {
  return {sharpen_entry(), gaussian_entry(), box_entry(), median_entry(), edge_entry()};
}

}  // namespace tessera::stages
