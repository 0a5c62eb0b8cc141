// Who may use which bytes of which window, and how much memory a run holds altogether. Lives in the coordinator's
// private memory; a worker never sees a Lease, only the Block it names. All or nothing: an image gets all that it
// needs or nothing, so nobody holds memory while waiting for memory. First fit in a sparse window: low offsets stay
// warm, and no size classes are needed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "workers/window.h"

namespace tessera::workers {

/// block_bytes in a window (0: none), and private_bytes that the work will allocate elsewhere (a codec's own memory).
struct Want {
  std::uint32_t window = 0;
  std::uint64_t block_bytes = 0, private_bytes = 0;
};

class Arena;

/// Move-only right to a block and to private bytes; gives both back. Must not outlive its arena. After the window was
/// forgotten only the private bytes and the budget are given back: the block is somebody else's by then.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&&) noexcept;
  Lease& operator=(Lease&&) noexcept;
  ~Lease();
  const Block& block() const { return block_; }
  explicit operator bool() const { return arena_ != nullptr; }

 private:
  friend class Arena;
  Arena* arena_ = nullptr;
  Block block_;
  std::uint64_t private_bytes_ = 0;
  void release() noexcept;
};

class Arena {
 public:
  /// Budget: leased + warm + private bytes never exceed it. `reserved_bytes` at the start of each worker window are the
  /// worker's own (its status page).
  Arena(Windows& windows, std::uint64_t budget_bytes, std::uint64_t reserved_bytes);

  bool could_ever_fit(std::span<const Want>) const;
  /// Empty: not now. Warm pages of any window are given back to the system when the budget needs them.
  std::optional<std::vector<Lease>> lease(std::span<const Want>);
  /// After the window's worker is reaped: next generation, every block lost, all its pages given back.
  void forget(std::uint32_t window);
  /// Gives warm pages that nobody leases back to the system until at most `warm_bytes` of them are left.
  void trim(std::uint64_t warm_bytes);
  std::uint32_t generation(std::uint32_t window) const;

  struct Usage {
    std::uint64_t leased, warm, private_bytes, peak;  // peak: highest sum of the three
  };
  Usage usage() const;
  std::uint64_t budget() const { return budget_; }

  // Private part is the implementer's; see arena.cc.
 private:
  friend class Lease;
  std::uint64_t budget_;
};

}  // namespace tessera::workers
