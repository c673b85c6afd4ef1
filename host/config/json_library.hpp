/// The one way to RapidJSON: whoever includes it otherwise gets another RAPIDJSON_ASSERT, and two
/// definitions of its templates in one program. Private to the .cpp files.
#pragma once

#include <stdexcept>

namespace taskgraph::config {

/// The library ran into a state that its authors excluded. Its default would be to abort; to us it is a failed parse.
struct JsonLibraryError : std::logic_error {
  using std::logic_error::logic_error;
};

}  // namespace taskgraph::config

#ifdef RAPIDJSON_RAPIDJSON_H_
#error "include host/config/json_library.hpp instead of RapidJSON's headers"
#endif
#define RAPIDJSON_ASSERT(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : throw ::taskgraph::config::JsonLibraryError(#condition))

#include <rapidjson/error/error.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
