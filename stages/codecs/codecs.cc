#include "stages/codec.h"

namespace tessera::stages {

const std::vector<const Codec*>& codecs() {
  static const std::vector<const Codec*> all{};
  return all;
}

}  // namespace tessera::stages
