// The same work on every instruction set of this machine.
#pragma once

#include <functional>
#include <string>

#include "stages/operation.h"
#include "tests/stages/geometry/reference.h"

namespace tessera::tests {

/// Takes an instruction set; the best one again when it goes out of scope.
class UsedTarget {
 public:
  explicit UsedTarget(const std::string& name);
  ~UsedTarget();
  UsedTarget(const UsedTarget&) = delete;
  UsedTarget& operator=(const UsedTarget&) = delete;
};

/// All samples of an image, plane by plane, without the rows' padding.
std::string bytes_of(const OwnedImage&);

/// `work` gives the same bytes with every instruction set as with plain loops.
void check_each_target(const std::function<std::string()>& work);
/// The whole image through the operation, which is given its required input only.
void check_each_target(const stages::Operation&, const OwnedImage& input);

/// Bytes that end where memory ends: whoever reads or writes behind them dies.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t bytes);
  ~GuardedBytes();
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  std::uint8_t* data() const { return data_; }

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;
  std::uint8_t* data_ = nullptr;
};

}  // namespace tessera::tests
