// The shared memory of a run. One window per worker plus the board (window 0, written by the coordinator alone).
// A shared window is a sparse anonymous memfd that exactly one process may write; everyone else holds a mapping made
// from a descriptor that was reopened read-only, which mprotect cannot turn back. A private window is the same
// interface over the process's own memory, for serial and thread mode.
// This class owns descriptors and knows sizes; it hands out no bytes (arena.h) and runs nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "workers/fd.h"
#include "workers/job.h"
#include "workers/mapping.h"

namespace tessera::workers {

enum class Backing : std::uint8_t { shared, private_memory };

class Windows {
 public:
  /// `count` worker windows of `capacity_bytes` each (sparse: costs nothing until touched) and the board: its header
  /// (board.h) and `board_bytes` behind it. Sizes are rounded up to pages. Throws std::system_error.
  Windows(Backing, std::uint32_t count, std::uint64_t capacity_bytes, std::uint64_t board_bytes);

  Backing backing() const { return backing_; }
  std::uint32_t count() const;  // worker windows; they are numbered 1..count()
  std::uint64_t capacity(std::uint32_t window) const;
  /// The board with its header, mapped read-write in the coordinator and not inherited by a fork (MADV_DONTFORK).
  WriteBytes board() const;
  /// Gives the pages of [offset, offset + bytes), both multiples of a page, back to the system.
  void punch(std::uint32_t window, std::uint64_t offset, std::uint64_t bytes) const;
  /// Pages that the window really holds, in bytes (st_blocks; for private memory mincore).
  std::uint64_t resident_bytes(std::uint32_t window) const;
  /// Reads without mapping: the coordinator's look at a dead worker's status page.
  void peek(std::uint32_t window, std::uint64_t offset, WriteBytes into) const;

  /// One process's view of all windows: `own` writable (0: none), all others read-only. After this, in a forked
  /// worker, close_descriptors() leaves nothing through which a mapping could be made writable. Of private memory it
  /// is a view in the plain sense and must not outlive the Windows.
  class View {
   public:
    WriteBytes writable(std::uint32_t window) const;  // empty unless it is the own one
    ReadBytes readable(std::uint32_t window) const;
    std::uint32_t count() const { return static_cast<std::uint32_t>(bytes_.size()) - 1; }

   private:
    friend class Windows;
    std::vector<Mapping> maps_;
    std::vector<WriteBytes> bytes_;
    std::uint32_t own_ = 0;
  };
  View map_for(std::uint32_t own) const;
  void close_descriptors();

 private:
  struct Window {
    Fd writable, readonly;
    std::uint64_t capacity = 0;
    Mapping private_memory;
  };
  void make_shared(Window&, std::uint32_t number);
  Backing backing_;
  std::vector<Window> windows_;
  Mapping board_;  // shared windows only
};

}  // namespace tessera::workers
