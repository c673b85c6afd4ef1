/// Where one end of a connection puts what it has to say.
#pragma once

#include <string>

#include "host/core/bytes.hpp"

namespace taskgraph::dataplane {

/// Takes bytes in the order in which they are to be sent; nothing is sent before the caller's turn has ended.
class Output {
 public:
  virtual void send(std::string bytes) = 0;
  virtual void send(core::Bytes bytes) = 0;

 protected:
  ~Output() = default;
};

}  // namespace taskgraph::dataplane
