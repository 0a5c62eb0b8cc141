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
/// forgotten only the private bytes are given back: the block went with the window and is somebody else's by then.
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
  /// Budget: leased + warm + private bytes never exceed it (blocks count as whole pages). `reserved_bytes` at the start
  /// of each worker window are the worker's own (its status page); the board's header is reserved as well.
  Arena(Windows& windows, std::uint64_t budget_bytes, std::uint64_t reserved_bytes);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  bool could_ever_fit(std::span<const Want>) const;
  /// One lease for each want, in order; blocks start on a page. Empty: not now. Warm pages are used again where first
  /// fit finds them; others, of any window, are given back to the system when the budget needs them. The bytes of a
  /// warm block are what its last owner left there.
  std::optional<std::vector<Lease>> lease(std::span<const Want>);
  /// After the window's worker is reaped: next generation, every block lost, all its pages given back.
  void forget(std::uint32_t window);
  /// Gives warm pages that nobody leases back to the system until at most `warm_bytes` of them are left.
  void trim(std::uint64_t warm_bytes);
  std::uint32_t generation(std::uint32_t window) const;
  /// What a window may hold now: its reserved bytes, leased blocks and warm pages.
  std::uint64_t held_bytes(std::uint32_t window) const;
  /// The bytes of a block leased on the board, for the coordinator to fill in before it names the block in a job.
  WriteBytes board_bytes(const Block&) const;

  struct Usage {
    std::uint64_t leased = 0, warm = 0, private_bytes = 0, peak = 0;  // peak: highest sum of the three
  };
  Usage usage() const { return usage_; }
  std::uint64_t budget() const { return budget_; }

 private:
  friend class Lease;
  using Ranges = std::map<std::uint64_t, std::uint64_t>;  // offset -> bytes, whole pages, disjoint
  struct Space {
    std::uint64_t first = 0, capacity = 0;  // leasable: [first, capacity)
    std::uint64_t warm_bytes = 0;
    std::uint32_t generation = 1;
    Ranges leased, warm;
  };
  using Placement = std::pair<std::uint32_t, Ranges::iterator>;  // window, its entry in leased

  std::optional<std::vector<Placement>> place(std::span<const Want>);
  void reuse_warm(Space&, std::uint64_t offset, std::uint64_t bytes);
  void give_back(const Block&, std::uint64_t private_bytes) noexcept;

  Windows& windows_;
  std::uint64_t budget_;
  std::vector<Space> spaces_;
  Usage usage_;
};

}  // namespace tessera::workers
