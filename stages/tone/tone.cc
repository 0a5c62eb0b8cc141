#include "stages/catalogue.h"

namespace tessera::stages {

std::vector<StageEntry> tone_stages() { return {}; }

}  // namespace tessera::stages
