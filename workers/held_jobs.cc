#include "workers/held_jobs.h"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace tessera::workers {

std::size_t HeldJobs::find(std::uint64_t job) const {
  return static_cast<std::size_t>(std::ranges::find(ids_, job) - ids_.begin());
}

std::vector<std::uint64_t> HeldJobs::ids() const {
  std::vector<std::uint64_t> held;
  std::ranges::copy_if(ids_, std::back_inserter(held), [](std::uint64_t id) { return id != 0; });
  return held;
}

std::size_t HeldJobs::add(std::uint64_t job) {
  assert(job != 0 && !holds(job));
  const std::size_t place = find(0);
  assert(place < ids_.size());
  ids_[place] = job;
  ++size_;
  return place;
}

bool HeldJobs::remove(std::uint64_t job) {
  const std::size_t place = find(job);
  if (job == 0 || place == ids_.size()) return false;
  ids_[place] = 0;
  board_.set_cancelled(window_, place, 0);
  --size_;
  return true;
}

bool HeldJobs::cancel(std::uint64_t job) const {
  const std::size_t place = find(job);
  if (job == 0 || place == ids_.size()) return false;
  board_.set_cancelled(window_, place, job);
  return true;
}

void HeldJobs::cancel_all() const {
  for (const std::uint64_t id : ids()) cancel(id);
}

}  // namespace tessera::workers
