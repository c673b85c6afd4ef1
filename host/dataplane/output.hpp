/// Where one end of a connection puts what it has to say.
#pragma once

#include <cstddef>
#include <string>

#include "host/core/bytes.hpp"

namespace taskgraph::dataplane {

/// Takes bytes in the order in which they are to be sent; nothing is sent before the caller's turn has ended.
class Output {
 public:
  /// `begin`: where the bytes to be sent begin.
  virtual void send(std::string bytes, std::size_t begin) = 0;
  virtual void send(core::Bytes bytes, std::size_t begin) = 0;

  /// An empty string, with memory of a message that has been sent, if there is one.
  virtual std::string spare() { return {}; }
  /// Gives back what is not needed.
  virtual void keep_spare(std::string&& /*text*/) {}

 protected:
  ~Output() = default;
};

}  // namespace taskgraph::dataplane
