#include <taskgraph/export.hpp>

#include "plugins/regression/task.hpp"

TASKGRAPH_PLUGIN(taskgraph::regression::RegressionBuilder, .name = "regression", .version = "1.0");
