// The line between the coordinator and one worker: fixed-size messages on a SOCK_SEQPACKET pair, descriptors beside
// them. It frames and it checks what can be checked without knowing a job: size, magic, version, nothing cut off. What
// a message may say at this moment is judged by whoever receives it. Never a zero-length message: that means closed.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "workers/fd.h"
#include "workers/job.h"

namespace tessera::workers {

enum class MessageType : std::uint8_t { ready = 1, job = 2, completion = 3, progress = 4 };

constexpr std::uint32_t kMagic = 0x41535354;  // "TSSA"
constexpr std::uint16_t kProtocolVersion = 1;

struct Message {
  std::uint32_t magic = kMagic;
  std::uint16_t version = kProtocolVersion;
  MessageType type{};
  std::uint8_t descriptors = 0;  // how many were sent beside it
  std::uint32_t window = 0, generation = 0;
  std::array<std::byte, sizeof(Completion)> body{};

  template <typename T>
  T as() const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(body));
    T value;
    std::memcpy(&value, body.data(), sizeof(T));
    return value;
  }
};
static_assert(std::is_trivially_copyable_v<Message> && sizeof(Message) == 440 && sizeof(Job) <= sizeof(Completion));
static_assert(std::is_trivially_copyable_v<Progress> && kMaxJobFds < 256);

Message make_message(MessageType, std::uint32_t window, std::uint32_t generation);
template <typename T>
Message make_message(MessageType type, std::uint32_t window, std::uint32_t generation, const T& body) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(Message::body));
  Message message = make_message(type, window, generation);
  std::memcpy(message.body.data(), &body, sizeof(T));
  return message;
}

/// Move-only end of the pair.
class Channel {
 public:
  Channel() = default;
  explicit Channel(Fd socket) : socket_(std::move(socket)) {}
  /// Both ends close-on-exec, with room for a message to each slot. Throws std::system_error.
  static std::pair<Channel, Channel> make_pair();

  enum class Wait : std::uint8_t { no, block };
  enum class Sent : std::uint8_t { sent, full, peer_gone };
  /// `descriptors` is set from fds. Throws std::system_error (a bad descriptor, too many of them in flight).
  Sent send(Message, std::span<const int> fds, Wait) const;

  /// malformed: not one of our messages. descriptors_lost: one of ours, but this process had no room for them.
  enum class Received : std::uint8_t { message, descriptors_lost, nothing, closed, malformed };
  /// Replaces fds by what came along (close-on-exec). Throws std::system_error on what cannot happen.
  Received receive(Message&, std::vector<Fd>& fds, Wait) const;

  /// The peer reads EOF after what was sent; receiving goes on.
  void shut_sending() const noexcept;
  int fd() const { return socket_.get(); }
  Fd release() { return std::move(socket_); }
  explicit operator bool() const { return static_cast<bool>(socket_); }

 private:
  Fd socket_;
};

}  // namespace tessera::workers
