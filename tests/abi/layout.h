/* The layout of ABI 1.0 on 64-bit machines, checked by a C and by a C++ compiler. A line that fails here breaks every
 * plugin that was ever built: append fields and enum values at the end, and add lines; never change one. */
#ifndef TASKGRAPH_TESTS_LAYOUT_H
#define TASKGRAPH_TESTS_LAYOUT_H

#include <stddef.h>

#include <taskgraph/abi.h>

/* type, size: may grow in a later minor version, by appended fields only */
#define ABI_SIZES(X)        \
  X(tg_view, 16)            \
  X(tg_buffer, 32)          \
  X(tg_error, 1032)         \
  X(tg_arg, 56)             \
  X(tg_job, 72)             \
  X(tg_continuation, 24)    \
  X(tg_completion, 24)      \
  X(tg_host_api, 160)       \
  X(tg_task_hooks, 80)      \
  X(tg_task, 16)            \
  X(tg_plugin, 72)          \
  X(tg_status, 4)           \
  X(tg_role, 4)             \
  X(tg_origin, 4)           \
  X(tg_neighbour_change, 4) \
  X(tg_outcome, 4)          \
  X(tg_code, 4)             \
  X(tg_job_status, 4)       \
  X(tg_log_level, 4)        \
  X(tg_exit_reason, 4)      \
  X(tg_arg_kind, 4)

/* type, field, offset */
#define ABI_FIELDS(X)                     \
  X(tg_view, data, 0)                     \
  X(tg_view, size, 8)                     \
  X(tg_buffer, data, 0)                   \
  X(tg_buffer, size, 8)                   \
  X(tg_buffer, release, 16)               \
  X(tg_buffer, owner, 24)                 \
  X(tg_error, size, 0)                    \
  X(tg_error, text, 8)                    \
  X(tg_arg, name, 0)                      \
  X(tg_arg, kind, 16)                     \
  X(tg_arg, text, 24)                     \
  X(tg_arg, integer, 40)                  \
  X(tg_arg, number, 48)                   \
  X(tg_job, struct_size, 0)               \
  X(tg_job, arg_count, 4)                 \
  X(tg_job, args, 8)                      \
  X(tg_job, name, 16)                     \
  X(tg_job, args_json, 32)                \
  X(tg_job, task_count, 48)               \
  X(tg_job, directory, 56)                \
  X(tg_continuation, run, 0)              \
  X(tg_continuation, drop, 8)             \
  X(tg_continuation, owner, 16)           \
  X(tg_completion, run, 0)                \
  X(tg_completion, drop, 8)               \
  X(tg_completion, owner, 16)             \
  X(tg_host_api, struct_size, 0)          \
  X(tg_host_api, abi_major, 4)            \
  X(tg_host_api, abi_minor, 6)            \
  X(tg_host_api, task_id, 8)              \
  X(tg_host_api, term, 16)                \
  X(tg_host_api, epoch, 24)               \
  X(tg_host_api, role, 32)                \
  X(tg_host_api, neighbours, 40)          \
  X(tg_host_api, raise_flag, 48)          \
  X(tg_host_api, pull, 56)                \
  X(tg_host_api, cancel, 64)              \
  X(tg_host_api, advance_epoch, 72)       \
  X(tg_host_api, finish_job, 80)          \
  X(tg_host_api, after, 88)               \
  X(tg_host_api, post, 96)                \
  X(tg_host_api, now, 104)                \
  X(tg_host_api, random, 112)             \
  X(tg_host_api, log, 120)                \
  X(tg_host_api, reply, 128)              \
  X(tg_host_api, refuse, 136)             \
  X(tg_host_api, extension, 144)          \
  X(tg_host_api, life, 152)               \
  X(tg_task_hooks, struct_size, 0)        \
  X(tg_task_hooks, init, 8)               \
  X(tg_task_hooks, became_primary, 16)    \
  X(tg_task_hooks, became_backup, 24)     \
  X(tg_task_hooks, enter_epoch, 32)       \
  X(tg_task_hooks, flag_raised, 40)       \
  X(tg_task_hooks, serve, 48)             \
  X(tg_task_hooks, neighbour_changed, 56) \
  X(tg_task_hooks, exit, 64)              \
  X(tg_task_hooks, destroy, 72)           \
  X(tg_task, object, 0)                   \
  X(tg_task, hooks, 8)                    \
  X(tg_plugin, magic, 0)                  \
  X(tg_plugin, abi_major, 8)              \
  X(tg_plugin, abi_minor, 10)             \
  X(tg_plugin, struct_size, 12)           \
  X(tg_plugin, name, 16)                  \
  X(tg_plugin, version, 24)               \
  X(tg_plugin, read_only_methods, 32)     \
  X(tg_plugin, init, 40)                  \
  X(tg_plugin, create_task, 48)           \
  X(tg_plugin, deinit, 56)                \
  X(tg_plugin, extension, 64)

/* name, value */
#define ABI_VALUES(X)            \
  X(TG_OK, 0)                    \
  X(TG_FAILED, 1)                \
  X(TG_INVALID, 2)               \
  X(TG_BUSY, 3)                  \
  X(TG_NOT_PRIMARY, 4)           \
  X(TG_EXITED, 5)                \
  X(TG_ROLE_NONE, 0)             \
  X(TG_ROLE_PRIMARY, 1)          \
  X(TG_ROLE_BACKUP, 2)           \
  X(TG_ORIGIN_FRESH, 0)          \
  X(TG_ORIGIN_CAUGHT_UP, 1)      \
  X(TG_ORIGIN_RESTORED, 2)       \
  X(TG_NEIGHBOUR_FAILED, 0)      \
  X(TG_NEIGHBOUR_RESTARTED, 1)   \
  X(TG_OUTCOME_VALUE, 0)         \
  X(TG_OUTCOME_ERROR, 1)         \
  X(TG_OUTCOME_PEER_LOST, 2)     \
  X(TG_OUTCOME_EPOCH_PASSED, 3)  \
  X(TG_OUTCOME_CANCELLED, 4)     \
  X(TG_OUTCOME_DEADLINE, 5)      \
  X(TG_CODE_NONE, 0)             \
  X(TG_CODE_UNAVAILABLE, 1)      \
  X(TG_CODE_NO_SUCH_METHOD, 2)   \
  X(TG_CODE_BUSY, 3)             \
  X(TG_CODE_TOO_LARGE, 4)        \
  X(TG_CODE_FAILED, 5)           \
  X(TG_CODE_ANSWER_TOO_LARGE, 6) \
  X(TG_CODE_USER, 1000)          \
  X(TG_JOB_DONE, 0)              \
  X(TG_JOB_FAILED, 1)            \
  X(TG_LOG_DEBUG, 0)             \
  X(TG_LOG_INFO, 1)              \
  X(TG_LOG_WARNING, 2)           \
  X(TG_LOG_ERROR, 3)             \
  X(TG_EXIT_JOB_ENDED, 0)        \
  X(TG_EXIT_DRAIN, 1)            \
  X(TG_EXIT_REPLACED, 2)         \
  X(TG_ARG_TEXT, 0)              \
  X(TG_ARG_INTEGER, 1)           \
  X(TG_ARG_NUMBER, 2)            \
  X(TG_ARG_BOOLEAN, 3)           \
  X(TG_ERROR_BYTES_MAX, 1024)    \
  X(TG_FROM_OUTSIDE, 18446744073709551615U)

/* One measured fact, as each compiler sees it. */
typedef struct abi_fact {
  const char* name;
  size_t value;
} abi_fact;

#ifdef __cplusplus
extern "C" {
#endif
/* What the C compiler made of it; ends with a NULL name. */
extern const abi_fact abi_facts_in_c[];
#ifdef __cplusplus
}
#endif

#define ABI_FACT_SIZE(type, bytes) {"sizeof " #type, sizeof(type)},
#define ABI_FACT_FIELD(type, field, offset) {#type "." #field, offsetof(type, field)},
#define ABI_FACT_VALUE(name, number) {#name, UINT64_C(0) + (name)},

#endif /* TASKGRAPH_TESTS_LAYOUT_H */
