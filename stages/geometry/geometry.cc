#include "stages/catalogue.h"

namespace tessera::stages {

std::vector<StageEntry> geometry_stages() { return {}; }

}  // namespace tessera::stages
