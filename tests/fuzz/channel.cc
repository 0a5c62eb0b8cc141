// What a worker may put on its channel: packets of any bytes and size, with descriptors or without. The framing accepts
// what is one of our messages and nothing else, and no descriptor that came along stays open.
//
// What an accepted message may say at this moment is judged in process_executor.cc, which needs a live worker for each
// trial: tests/workers/protocol_test.cc does that, with chosen messages instead of drawn ones.
#include "workers/channel.h"

#include <fcntl.h>
#include <fuzzer/FuzzedDataProvider.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace workers;
namespace {

constexpr int kMostDescriptors = 6;

/// As sendmsg, which is all that a worker can do. False: the socket takes no more.
bool send_packet(int socket, std::vector<std::uint8_t> packet, int descriptors) {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMostDescriptors * sizeof(int))> control{};
  iovec part{packet.data(), packet.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (descriptors > 0) {
    std::array<int, kMostDescriptors> fds;
    fds.fill(socket);
    const std::size_t bytes = static_cast<std::size_t>(descriptors) * sizeof(int);
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(rights), fds.data(), bytes);
  }
  return ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

int next_free_descriptor(int any) {
  const int fd = ::fcntl(any, F_DUPFD_CLOEXEC, 0);
  ::close(fd);
  return fd;
}

void check(const std::vector<std::uint8_t>& packet, int descriptors, Channel::Received received, const Message& message,
           std::size_t got) {
  if (packet.empty()) {
    require(received == Channel::Received::closed, "an empty packet means closed");
    return;
  }
  const bool ours = packet.size() == sizeof(Message) && message.magic == kMagic && message.version == kProtocolVersion;
  if (received != Channel::Received::message) {
    require(!ours || message.descriptors != descriptors, "a message of ours is taken");
    return;
  }
  require(ours && message.descriptors == got, "only a message of ours is taken");
  require(std::memcmp(&message, packet.data(), sizeof message) == 0, "a message arrives as it was sent");
}

void talk(FuzzedDataProvider& in) {
  auto [coordinator, worker] = Channel::make_pair();
  const int free_before = next_free_descriptor(worker.fd());
  while (in.remaining_bytes() > 0) {
    std::vector<std::uint8_t> packet;
    if (in.ConsumeBool()) {  // one of ours, with as much changed as the input says
      const Message message = make_message(static_cast<MessageType>(in.ConsumeIntegral<std::uint8_t>()), 1, 0);
      packet.resize(sizeof message);
      std::memcpy(packet.data(), &message, sizeof message);
      const std::size_t at = in.ConsumeIntegralInRange<std::size_t>(0, packet.size());
      const auto bytes = in.ConsumeBytes<std::uint8_t>(in.ConsumeIntegralInRange<std::size_t>(0, packet.size() - at));
      std::copy(bytes.begin(), bytes.end(), packet.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      packet = in.ConsumeBytes<std::uint8_t>(in.ConsumeIntegralInRange<std::size_t>(0, 2 * sizeof(Message)));
    }
    const int descriptors = in.ConsumeIntegralInRange(0, kMostDescriptors);
    if (!send_packet(worker.fd(), packet, descriptors)) return;
    Message message;
    {
      std::vector<Fd> fds;
      const Channel::Received received = coordinator.receive(message, fds, Channel::Wait::no);
      check(packet, descriptors, received, message, fds.size());
    }
    require(next_free_descriptor(worker.fd()) == free_before, "no descriptor of a worker stays open");
  }
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider in(data, size);
  tessera::fuzz::talk(in);
  return 0;
}
