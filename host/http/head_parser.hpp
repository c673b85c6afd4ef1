/// From the text of a head to a RequestHead: grammar by Boost.Beast's parser, and beyond it all that it lets through.
#pragma once

#include <optional>
#include <string_view>

#include "host/http/request.hpp"

namespace taskgraph::http {

/// Pure. Beast refuses bad tokens, bare line ends, conflicting or signed lengths, lengths beside chunked; it accepts,
/// and this refuses: HTTP/1.0, missing and double Host, equal lengths twice, codings other than chunked, targets that
/// are no URI, fields twice that mean something once. tests/unit/http_smuggling_test.cpp has the table.
class HeadParser {
 public:
  /// `text`: a head that HeadScanner has let pass, with its empty line. Fills `head`, or says why not.
  static std::optional<Rejection> parse(std::string_view text, RequestHead& head);

 private:
  class Grammar;
};

}  // namespace taskgraph::http
