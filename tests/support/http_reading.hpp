/// Feeds a RequestReader in pieces and tells what came out.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "host/http/request_reader.hpp"

namespace taskgraph::http::testing {

/// What a reader made of some bytes.
struct Reading {
  std::vector<Request> requests;
  int status = 0;  ///< of the rejection; 0: none
  std::string reason;
  bool incomplete = false;  ///< it waits for more of a request

  /// All of it in one line, to compare and to show.
  std::string text() const {
    std::string text;
    for (const Request& request : requests) {
      text += std::string(name_of(request.head.method())) + " " + std::string(request.head.path()) + "?" +
              std::string(request.head.query()) + " " + std::string(request.head.host()) + " [" +
              std::string(request.body.view()) + "] ";
    }
    if (status != 0) text += std::to_string(status) + " " + reason;
    if (incomplete) text += "...";
    return text;
  }
};

/// `pieces`: in this order; bodies go straight into body_room() where there is some, as a connection does it.
inline Reading read(const std::vector<std::string_view>& pieces, const RequestLimits& limits = {}) {
  Reading reading;
  RequestReader reader(limits);
  for (std::string_view piece : pieces) {
    const std::span<char> room = reader.body_room();
    const std::size_t direct = std::min(room.size(), piece.size());
    if (direct > 0) {
      std::copy_n(piece.data(), direct, room.data());
      reader.body_filled(direct);
      piece.remove_prefix(direct);
    }
    for (;;) {
      const RequestReader::Step step = reader.advance(piece);
      if (step == RequestReader::Step::need_more) break;
      if (step == RequestReader::Step::request) reading.requests.push_back(reader.take_request());
      if (step == RequestReader::Step::rejected) {
        reading.status = reader.rejection().status;
        reading.reason = reader.rejection().reason;
        return reading;
      }
    }
  }
  reading.incomplete = reader.in_head() || reader.in_body();
  return reading;
}

/// `bytes` cut in two at each place, and into single bytes: each must give the same as in one piece.
inline std::vector<std::vector<std::string_view>> all_splits(std::string_view bytes) {
  std::vector<std::vector<std::string_view>> splits;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) splits.push_back({bytes.substr(0, cut), bytes.substr(cut)});
  splits.emplace_back();
  for (std::size_t i = 0; i < bytes.size(); ++i) splits.back().push_back(bytes.substr(i, 1));
  return splits;
}

}  // namespace taskgraph::http::testing
