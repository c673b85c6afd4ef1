#include <taskgraph/export.hpp>

#include "plugins/pagerank/task.hpp"

TASKGRAPH_PLUGIN(taskgraph::pagerank::PagerankBuilder, .name = "pagerank", .version = "1.0",
                 .read_only_methods = {"report"});
