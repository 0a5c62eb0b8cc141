// The ways in which one process can hand a frame to another, or one thread to another thread of its process. A way is
// made before the giver is forked (or started), so that both have what it needs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "workers/channel.h"
#include "workers/fd.h"
#include "workers/mapping.h"

namespace tessera::workers::costs {

/// Memory that all ways use in turn: the giver finishes a frame in `source`, copies arrive in `target`.
struct FrameMemory {
  std::span<std::byte> source, target;
};

class Way {
 public:
  virtual ~Way() = default;
  /// Where the giver finishes the frame, before the clock runs.
  virtual std::span<std::byte> source() = 0;
  /// The giver's last preparation before the clock runs.
  virtual void prepare() {}
  /// The giver's part and the taker's; take() returns where the frame can be read. Throw std::system_error.
  virtual void give() = 0;
  virtual std::span<const std::byte> take() = 0;
  /// The taker's, when the clock has stopped.
  virtual void done() {}
};

/// A shared window, mapped in both since before; the frame is finished in it, and a message says where it lies.
std::unique_ptr<Way> handle_way(std::uint64_t bytes);
/// The same with the window's descriptor beside the message: the taker maps it for this frame.
std::unique_ptr<Way> new_mapping_way(std::uint64_t bytes);
/// The frame is copied into a shared window, and a message says where it lies.
std::unique_ptr<Way> window_copy_way(FrameMemory);
/// Through a pipe that holds so many bytes (0: as many as it does by default). Empty when the system refuses.
std::unique_ptr<Way> pipe_way(FrameMemory, int capacity);
std::unique_ptr<Way> socket_way(FrameMemory);
/// Written to an unnamed file in `folder`, which was empty, never synced; a message; read back.
std::unique_ptr<Way> file_way(FrameMemory, const std::string& folder);
/// A message says where it lies, and the taker asks the kernel to copy it from the giver's memory.
std::unique_ptr<Way> remote_read_way(FrameMemory);
/// Whether that may be done to this process, which has `memory` at the same place: 0, or the error.
int remote_read_error(pid_t, std::span<const std::byte> memory);
/// Threads: a pointer behind a mutex and a condition variable.
std::unique_ptr<Way> pointer_way(std::span<std::byte> source);

}  // namespace tessera::workers::costs
