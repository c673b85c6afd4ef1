/// The one place that includes Catch2, so that its next major version changes this file only.
#pragma once

#include <catch2/catch.hpp>
