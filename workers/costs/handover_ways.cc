#include "workers/costs/handover_ways.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>

#include "workers/costs/pages.h"

namespace tessera::workers::costs {
namespace {

/// Where a frame lies, in a message such as jobs are sent in.
struct Location {
  std::uint64_t address = 0, bytes = 0;
  std::int32_t process = 0;
};

class MessageLine {
 public:
  MessageLine() : ends_(Channel::make_pair()) {}
  void tell(const Location& location, std::span<const int> fds = {}) const {
    if (ends_.first.send(make_message(MessageType::job, 1, 1, location), fds, Channel::Wait::block) !=
        Channel::Sent::sent)
      throw_errno("sending a message about a frame");
  }
  Location hear(std::vector<Fd>* fds = nullptr) const {
    Message message;
    std::vector<Fd> with_it;
    if (ends_.second.receive(message, with_it, Channel::Wait::block) != Channel::Received::message)
      throw_errno("receiving a message about a frame");
    if (fds != nullptr) *fds = std::move(with_it);
    return message.as<Location>();
  }

 private:
  std::pair<Channel, Channel> ends_;
};

/// Repeats a call that moves a part of `bytes` from `done` on, until all is moved.
template <typename Call>
void move_all(std::size_t bytes, const char* what, const Call& call) {
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t moved = call(done);
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) throw_errno(what);
    if (moved == 0) throw std::system_error(EPIPE, std::generic_category(), what);
    done += static_cast<std::size_t>(moved);
  }
}

class WindowWay : public Way {
 public:
  explicit WindowWay(std::uint64_t bytes)
      : file_(shared_file(bytes)), window_(shared_pages(bytes, file_.get())), bytes_(bytes) {}
  std::span<std::byte> source() override { return window_.bytes().first(bytes_); }
  void give() override { line_.tell({0, bytes_}); }
  std::span<const std::byte> take() override {
    const Location location = line_.hear();
    return window_.bytes().subspan(location.address, location.bytes);
  }

 protected:
  MessageLine line_;
  Fd file_;
  Mapping window_;
  std::uint64_t bytes_;
};

class NewMappingWay final : public WindowWay {
 public:
  using WindowWay::WindowWay;
  void give() override {
    const int fd = file_.get();
    line_.tell({0, bytes_}, {&fd, 1});
  }
  std::span<const std::byte> take() override {
    std::vector<Fd> fds;
    const Location location = line_.hear(&fds);
    taken_ = shared_pages(location.bytes, fds.at(0).get());
    return taken_.bytes().first(location.bytes);
  }
  void done() override { taken_.unmap(); }

 private:
  Mapping taken_;
};

class WindowCopyWay final : public WindowWay {
 public:
  explicit WindowCopyWay(FrameMemory memory) : WindowWay(memory.source.size()), memory_(memory) {}
  std::span<std::byte> source() override { return memory_.source; }
  void give() override {
    std::memcpy(window_.data(), memory_.source.data(), bytes_);
    WindowWay::give();
  }

 private:
  FrameMemory memory_;
};

class CopyWay : public Way {
 public:
  explicit CopyWay(FrameMemory memory) : memory_(memory) {}
  std::span<std::byte> source() override { return memory_.source; }

 protected:
  FrameMemory memory_;
};

/// Pipe or stream socket.
class StreamWay final : public CopyWay {
 public:
  StreamWay(FrameMemory memory, Fd from, Fd to) : CopyWay(memory), from_(std::move(from)), to_(std::move(to)) {}
  void give() override {
    const auto from = memory_.source;
    move_all(from.size(), "write of a frame",
             [&](std::size_t done) { return ::write(to_.get(), from.data() + done, from.size() - done); });
  }
  std::span<const std::byte> take() override {
    const auto to = memory_.target;
    move_all(to.size(), "read of a frame",
             [&](std::size_t done) { return ::read(from_.get(), to.data() + done, to.size() - done); });
    return to;
  }

 private:
  Fd from_, to_;
};

class FileWay final : public CopyWay {
 public:
  FileWay(FrameMemory memory, const std::string& folder) : CopyWay(memory) {
    std::string name = folder + "/tessera-costs-XXXXXX";
    file_ = checked_fd(::mkostemp(name.data(), O_CLOEXEC), "making a file to hand frames over in");
    if (::unlink(name.c_str()) != 0) throw_errno("unlink");
  }
  void prepare() override {
    if (::ftruncate(file_.get(), 0) != 0) throw_errno("ftruncate");
  }
  void give() override {
    const auto from = memory_.source;
    move_all(from.size(), "write of a frame to a file", [&](std::size_t done) {
      return ::pwrite(file_.get(), from.data() + done, from.size() - done, static_cast<off_t>(done));
    });
    line_.tell({0, from.size()});
  }
  std::span<const std::byte> take() override {
    const auto to = memory_.target.first(line_.hear().bytes);
    move_all(to.size(), "read of a frame from a file", [&](std::size_t done) {
      return ::pread(file_.get(), to.data() + done, to.size() - done, static_cast<off_t>(done));
    });
    return to;
  }

 private:
  MessageLine line_;
  Fd file_;
};

class RemoteReadWay final : public CopyWay {
 public:
  using CopyWay::CopyWay;
  void give() override {
    line_.tell({reinterpret_cast<std::uintptr_t>(memory_.source.data()), memory_.source.size(), ::getpid()});
  }
  std::span<const std::byte> take() override {
    const Location location = line_.hear();
    const auto to = memory_.target.first(location.bytes);
    move_all(to.size(), "process_vm_readv", [&](std::size_t done) {
      const iovec here{to.data() + done, to.size() - done};
      const iovec there{reinterpret_cast<void*>(location.address + done), to.size() - done};
      return ::process_vm_readv(location.process, &here, 1, &there, 1, 0);
    });
    return to;
  }

 private:
  MessageLine line_;
};

class PointerWay final : public Way {
 public:
  explicit PointerWay(std::span<std::byte> memory) : memory_(memory) {}
  std::span<std::byte> source() override { return memory_; }
  void give() override {
    const std::lock_guard lock(mutex_);
    given_ = memory_;
    changed_.notify_one();
  }
  std::span<const std::byte> take() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !given_.empty(); });
    return std::exchange(given_, {});
  }

 private:
  std::span<std::byte> memory_, given_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace

std::unique_ptr<Way> handle_way(std::uint64_t bytes) { return std::make_unique<WindowWay>(bytes); }
std::unique_ptr<Way> new_mapping_way(std::uint64_t bytes) { return std::make_unique<NewMappingWay>(bytes); }
std::unique_ptr<Way> window_copy_way(FrameMemory memory) { return std::make_unique<WindowCopyWay>(memory); }

std::unique_ptr<Way> pipe_way(FrameMemory memory, int capacity) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe2");
  Fd from(ends[0]), to(ends[1]);
  if (capacity > 0 && ::fcntl(to.get(), F_SETPIPE_SZ, capacity) < capacity) return nullptr;
  return std::make_unique<StreamWay>(memory, std::move(from), std::move(to));
}

std::unique_ptr<Way> socket_way(FrameMemory memory) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("socketpair");
  return std::make_unique<StreamWay>(memory, Fd(ends[0]), Fd(ends[1]));
}

std::unique_ptr<Way> file_way(FrameMemory memory, const std::string& folder) {
  return std::make_unique<FileWay>(memory, folder);
}
std::unique_ptr<Way> remote_read_way(FrameMemory memory) { return std::make_unique<RemoteReadWay>(memory); }

int remote_read_error(pid_t process, std::span<const std::byte> memory) {
  std::byte value{};
  const iovec here{&value, 1};
  const iovec there{const_cast<std::byte*>(memory.data()), 1};
  return ::process_vm_readv(process, &here, 1, &there, 1, 0) == 1 ? 0 : errno;
}

std::unique_ptr<Way> pointer_way(std::span<std::byte> source) { return std::make_unique<PointerWay>(source); }

}  // namespace tessera::workers::costs
