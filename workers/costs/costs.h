// What the parts cost that a pipeline of threads and processes is made of, measured here and now. Each group of figures
// is taken in helper processes that are gone when the call returns: the caller is not slowed down by what was tried,
// and its own memory and threads do not get into the figures. What is handed over, counted or copied on the way is
// checked; a figure of something that did not work does not exist.
//
// For all of them: the caller has one thread (asserted). They throw std::system_error with a sentence when something
// that must work does not; its code is EINTR when INT, TERM or HUP ended a helper. What a kernel or a container forbids
// is left out of the figures and said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera::workers::costs {

/// One thing that was measured: how long it took, each time.
struct Series {
  std::string id, name;
  double x = 0;                 // of a curve's point; a row has none
  std::vector<double> seconds;  // in the order in which they were measured
};

struct Measured {
  std::vector<Series> rows;
  std::vector<Series> points;         // of curves: those of one curve have one id and one name
  std::vector<std::string> left_out;  // sentences: what could not be measured here or not as it should be, and why
};

/// How often the members of one set are measured, one after the other in turn: until `seconds` are used up, but each at
/// least `fewest` and at most `most` times. The first round is thrown away.
struct Effort {
  double seconds = 0.2;
  std::size_t fewest = 15, most = 200;
};

/// Rows: a thread created and joined; a task given to a oneTBB thread that runs already; fork, exit and wait; the same
/// with `shared_bytes` of touched shared memory beside; posix_spawn of a tiny program. All from a small process.
Measured create_costs(std::uint64_t shared_bytes, const Effort&);

/// Points: fork, exit and wait; posix_spawn; thread: from a parent that has touched `private_bytes` more than it
/// started with. x: bytes of its private memory then.
Measured create_costs_of_parent(std::uint64_t private_bytes, const Effort&);

/// Points: one frame of `bytes` (a multiple of 8) from one process to another in each way, and between two threads.
/// From the moment when the frame is finished in the giver's memory until the taker has read a byte of every page. x:
/// bytes. Files are made, without a name, in `folder`. Takes seven times `bytes` of memory.
Measured handover_costs(std::uint64_t bytes, const std::string& folder, const Effort&);

/// Rows: half a round trip through two of a kind, each sample the mean of `round_trips`; on one CPU and across two.
Measured wakeup_costs(std::size_t round_trips, const Effort&);

/// Points: `increments` of a counter by each of `threads` threads at the same time, per increment of one thread. x:
/// threads.
Measured sharing_costs(unsigned threads, std::uint64_t increments, const Effort&);
constexpr unsigned kMostSharingThreads = 8;  // their counters fit into one cache line

/// Rows, per page: writing a byte to each page of `bytes` of memory that is one's own already, fresh, held by a parent
/// as well (copy-on-write), held by a child until just now, fresh in shared memory, and there in shared memory but not
/// mapped yet. No huge pages.
Measured page_costs(std::uint64_t bytes, const Effort&);

}  // namespace tessera::workers::costs
