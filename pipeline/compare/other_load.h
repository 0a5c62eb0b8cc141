// How much of the machine others took meanwhile: figures that were measured beside them are worse than they need be.
#pragma once

namespace tessera::pipeline {

class OtherLoad {
 public:
  OtherLoad();
  /// The part of all processor time since then that neither this process nor children that it has waited for took,
  /// the hypervisor's part included: 0..1. The kernel counts in ticks of some 10 ms.
  double until_now() const;

 private:
  double busy_s_ = 0, total_s_ = 0, own_s_ = 0;
};

}  // namespace tessera::pipeline
