/// The bearer token that clients of the control listener show.
#pragma once

#include <filesystem>
#include <string>

#include "host/config/failure.hpp"

namespace taskgraph::control {

/// 32 bytes of the system's generator as base64url: 43 characters, http::is_token(). Any thread; throws
/// std::system_error when there is no generator.
std::string random_token();

/// The token in the file of --token-file; one newline may follow it. The file must be a regular one that belongs to
/// this user and that nobody else can read or write. Refuses what is not there (ExitCode::file_missing) and all else
/// (ExitCode::usage), and never shows what the file holds.
config::Result<std::string> read_token_file(const std::filesystem::path& file);

}  // namespace taskgraph::control
