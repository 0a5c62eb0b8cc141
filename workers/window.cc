#include "workers/window.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "workers/board.h"

namespace tessera::workers {

Windows::Windows(Backing backing, std::uint32_t count, std::uint64_t capacity_bytes, std::uint64_t board_bytes)
    : backing_(backing), windows_(count + 1) {
  for (std::uint32_t number = 0; number <= count; ++number) {
    Window& window = windows_[number];
    window.capacity =
        number == kBoard ? board_header_bytes(count) + round_up_to_page(board_bytes) : round_up_to_page(capacity_bytes);
    if (backing == Backing::shared)
      make_shared(window, number);
    else
      window.private_memory = Mapping(window.capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, -1);
  }
  if (backing == Backing::shared) {
    board_ = Mapping(capacity(kBoard), PROT_READ | PROT_WRITE, MAP_SHARED, windows_[kBoard].writable.get());
    if (::madvise(board_.data(), board_.size(), MADV_DONTFORK) != 0) throw_errno("madvise(MADV_DONTFORK)");
  }
  const BoardWriter header(board(), count);
  for (std::uint32_t number = 0; number <= count; ++number) header.set_generation(number, 1);
}

// No seal: F_SEAL_FUTURE_WRITE would also forbid hole punching. The mode keeps an unprivileged process from reopening
// the file for writing through /proc; a privileged one is held by the sandbox alone.
void Windows::make_shared(Window& window, std::uint32_t number) {
  const std::string name = fmt::format("tessera-window-{}", number);
  window.writable = checked_fd(::memfd_create(name.c_str(), MFD_CLOEXEC), "memfd_create");
  if (::ftruncate(window.writable.get(), static_cast<off_t>(window.capacity)) != 0)
    throw_errno("ftruncate of a window");
  if (::fchmod(window.writable.get(), S_IRUSR) != 0) throw_errno("fchmod of a window");
  const std::string path = fmt::format("/proc/self/fd/{}", window.writable.get());
  window.readonly = checked_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open of a window for reading");
}

std::uint32_t Windows::count() const { return static_cast<std::uint32_t>(windows_.size()) - 1; }

std::uint64_t Windows::capacity(std::uint32_t window) const { return windows_.at(window).capacity; }

WriteBytes Windows::board() const {
  return backing_ == Backing::shared ? board_.bytes() : windows_[kBoard].private_memory.bytes();
}

void Windows::punch(std::uint32_t window, std::uint64_t offset, std::uint64_t bytes) const {
  const Window& w = windows_.at(window);
  assert(offset % page_bytes() == 0 && bytes % page_bytes() == 0 && offset + bytes <= w.capacity);
  if (bytes == 0) return;
  if (backing_ == Backing::shared) {
    if (::fallocate(w.writable.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                    static_cast<off_t>(bytes)) != 0)
      throw_errno("fallocate(PUNCH_HOLE)");
  } else if (::madvise(w.private_memory.data() + offset, bytes, MADV_DONTNEED) != 0) {
    throw_errno("madvise(MADV_DONTNEED)");
  }
}

std::uint64_t Windows::resident_bytes(std::uint32_t window) const {
  const Window& w = windows_.at(window);
  if (backing_ == Backing::shared) {
    struct stat status {};
    if (::fstat(w.writable.get(), &status) != 0) throw_errno("fstat of a window");
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  constexpr std::uint64_t kPagesAtOnce = 1 << 16;
  std::vector<unsigned char> flags(kPagesAtOnce);
  std::uint64_t pages = 0;
  for (std::uint64_t offset = 0; offset < w.capacity; offset += kPagesAtOnce * page_bytes()) {
    const std::uint64_t bytes = std::min(w.capacity - offset, kPagesAtOnce * page_bytes());
    if (::mincore(w.private_memory.data() + offset, bytes, flags.data()) != 0) throw_errno("mincore");
    const auto end = flags.begin() + static_cast<std::ptrdiff_t>(bytes / page_bytes());
    pages +=
        static_cast<std::uint64_t>(std::count_if(flags.begin(), end, [](unsigned char f) { return (f & 1) != 0; }));
  }
  return pages * page_bytes();
}

void Windows::peek(std::uint32_t window, std::uint64_t offset, WriteBytes into) const {
  const Window& w = windows_.at(window);
  assert(offset + into.size() <= w.capacity);
  if (backing_ == Backing::private_memory) {
    std::memcpy(into.data(), w.private_memory.data() + offset, into.size());
    return;
  }
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        ::pread(w.readonly.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw_errno("pread of a window");
    done += static_cast<std::size_t>(got);
  }
}

WriteBytes Windows::View::writable(std::uint32_t window) const {
  return window != kBoard && window == own_ ? bytes_.at(window) : WriteBytes();
}

ReadBytes Windows::View::readable(std::uint32_t window) const { return bytes_.at(window); }

Windows::View Windows::map_for(std::uint32_t own) const {
  View view;
  view.own_ = own;
  for (std::uint32_t number = 0; number <= count(); ++number) {
    const Window& window = windows_[number];
    if (backing_ == Backing::private_memory) {
      view.bytes_.push_back(window.private_memory.bytes());
      continue;
    }
    const bool mine = number != kBoard && number == own;
    view.maps_.emplace_back(window.capacity, mine ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_NORESERVE,
                            mine ? window.writable.get() : window.readonly.get());
    view.bytes_.push_back(view.maps_.back().bytes());
  }
  return view;
}

void Windows::close_descriptors() {
  for (Window& window : windows_) {
    window.writable.close();
    window.readonly.close();
  }
}

}  // namespace tessera::workers
