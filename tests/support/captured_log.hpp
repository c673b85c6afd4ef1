/// The log of this process, for tests that read it.
#pragma once

#include <cstdio>
#include <string>

#include "host/runtime/log.hpp"

namespace taskgraph::tests {

/// The log goes to a file while it lives.
class Captured {
 public:
  explicit Captured(runtime::LogSettings settings) : file_(std::tmpfile()) {
    settings.target = file_;
    runtime::log_start(settings);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  ~Captured() {
    runtime::log_start({});
    std::fclose(file_);
  }

  std::string text() {
    std::rewind(file_);
    std::string all;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) all += static_cast<char>(c);
    return all;
  }

 private:
  std::FILE* file_;
};

}  // namespace taskgraph::tests
