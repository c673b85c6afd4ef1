#include "host/journal/machine.hpp"

#include <fstream>

namespace taskgraph::journal {

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace taskgraph::journal
