#include <taskgraph/export.hpp>

#include "plugins/echo/task.hpp"

TASKGRAPH_PLUGIN(taskgraph::echo::EchoBuilder, .name = "echo", .version = "1.0", .read_only_methods = {"whoami"});
