#include "workers/channel.h"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>

#include "workers/board.h"

namespace tessera::workers {
namespace {

/// Takes over every descriptor of the control data, wanted or not: one that is not closed is one lost.
void take_descriptors(msghdr& header, std::vector<Fd>& fds) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

Message make_message(MessageType type, std::uint32_t window, std::uint32_t generation) {
  Message message;
  message.type = type;
  message.window = window;
  message.generation = generation;
  return message;
}

std::pair<Channel, Channel> Channel::make_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("socketpair");
  std::pair<Channel, Channel> pair{Channel(Fd(ends[0])), Channel(Fd(ends[1]))};
  // A message takes about 1.25 KiB of kernel memory: room for one to each of kMaxSlots. The kernel doubles the number.
  const int bytes = static_cast<int>(kMaxSlots * 1024);
  for (const int end : ends)
    if (::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) != 0) throw_errno("setsockopt(SO_SNDBUF)");
  return pair;
}

Channel::Sent Channel::send(Message message, std::span<const int> fds, Wait wait) const {
  assert(fds.size() <= kMaxJobFds);
  message.descriptors = static_cast<std::uint8_t>(fds.size());
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxJobFds * sizeof(int))> control{};
  iovec part{&message, sizeof(message)};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  for (;;) {
    const ssize_t sent = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | (wait == Wait::no ? MSG_DONTWAIT : 0));
    if (sent == static_cast<ssize_t>(sizeof(message))) return Sent::sent;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Sent::full;
    if (errno == EPIPE || errno == ECONNRESET) return Sent::peer_gone;
    throw_errno("sendmsg to a worker's channel");
  }
}

Channel::Received Channel::receive(Message& message, std::vector<Fd>& fds, Wait wait) const {
  fds.clear();
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxJobFds * sizeof(int))> control{};
  for (;;) {
    iovec part{&message, sizeof(message)};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | (wait == Wait::no ? MSG_DONTWAIT : 0));
    if (got < 0) {
      // ECONNRESET comes once when the peer died with messages unread; what it had sent still follows, then EOF.
      if (errno == EINTR || errno == ECONNRESET) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return Received::nothing;
      throw_errno("recvmsg from a channel");
    }
    take_descriptors(header, fds);
    if (got == 0) return Received::closed;
    if ((header.msg_flags & MSG_TRUNC) != 0 || got != static_cast<ssize_t>(sizeof(message)) ||
        message.magic != kMagic || message.version != kProtocolVersion)
      return Received::malformed;
    if ((header.msg_flags & MSG_CTRUNC) != 0 || fds.size() < message.descriptors) return Received::descriptors_lost;
    return fds.size() == message.descriptors ? Received::message : Received::malformed;
  }
}

void Channel::shut_sending() const noexcept { ::shutdown(socket_.get(), SHUT_WR); }

}  // namespace tessera::workers
