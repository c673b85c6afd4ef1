/* The C ABI between taskgraph-host and a plugin. Pure C11; nothing else crosses the border.
 *
 * LAW
 *  - A plugin exports one symbol, `taskgraph_plugin`, a constant `tg_plugin`. The host checks it in fixed steps and
 *    names the step at which it refuses.
 *  - No memory, exception or C++ type crosses. Each side frees what it allocated. A `tg_view` is borrowed and dies
 *    when the call that carried it returns; a `tg_buffer` is handed over and ends by one call of its `release`.
 *  - Structs grow at the end only, guarded by `struct_size`; a reader takes a field for absent that lies beyond it.
 *    Enum values are only ever appended. Larger growth goes through extensions, asked for by id
 * ("taskgraph.standby/1").
 *  - The library is never unloaded; every object of a plugin dies before the process does.
 *
 * THREADS
 *  Every function carries a tag:
 *   [main]    the thread that loads the plugin, once, before any task exists
 *   [strand]  the strand of one task replica: calls of one replica never overlap and are ordered by happens-before;
 *             different replicas run in parallel, so data shared between tasks needs the plugin's own locks
 *   [any]     any thread, at any time between the creation of the object and its end
 *  and the states in which it may be called: created -> initialised -> running (primary or backup) -> exited.
 *  A host that was built without NDEBUG checks one thing of these: a [strand] function of tg_host_api that is called
 *  by another thread, or in a hook of another replica, ends the process with exit code 70 and a line that names the
 *  function and the task. Nothing checks the other tags and the states.
 *
 *  Hooks never re-enter the host: what a hook asks for is queued, and done after the hook has returned.
 */
#ifndef TASKGRAPH_ABI_H
#define TASKGRAPH_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "TGPLUG01" read as a little-endian number. */
#define TG_PLUGIN_MAGIC UINT64_C(0x313047554C504754)
/* A host speaks [1.0 .. TG_ABI_MAJOR.TG_ABI_MINOR]; a plugin states the version of the headers it was built with. */
#define TG_ABI_MAJOR 1
#define TG_ABI_MINOR 0
/* The exported symbol. */
#define TG_PLUGIN_SYMBOL "taskgraph_plugin"

#if defined(__GNUC__)
#define TG_EXPORT __attribute__((visibility("default")))
#else
#define TG_EXPORT
#endif

/* Borrowed bytes; not terminated; `data` may be NULL when `size` is 0. */
typedef struct tg_view {
  const char* data;
  size_t size;
} tg_view;

/* Bytes that change hands. The receiver calls `release(owner)` exactly once, from any thread, and never writes.
 * `release` NULL: the bytes live as long as the process. */
typedef struct tg_buffer {
  const char* data;
  size_t size;
  void (*release)(void* owner);
  void* owner;
} tg_buffer;

/* What a function of either side answers. 0 is success. */
typedef enum tg_status {
  TG_OK = 0,
  TG_FAILED = 1,      /* with the text in the tg_error, where there is one */
  TG_INVALID = 2,     /* an argument is wrong: no such task, link, ... ; nothing was done */
  TG_BUSY = 3,        /* a limit is reached: slow down and try again; nothing was done */
  TG_NOT_PRIMARY = 4, /* this replica may not do that now; nothing was done */
  TG_EXITED = 5       /* the job or this replica is ending; nothing was done */
} tg_status;

/* Where a callee puts the text of an error, at most TG_ERROR_BYTES_MAX bytes; longer text is cut. */
#define TG_ERROR_BYTES_MAX 1024
typedef struct tg_error {
  size_t size;
  char text[TG_ERROR_BYTES_MAX];
} tg_error;

typedef enum tg_role { TG_ROLE_NONE = 0, TG_ROLE_PRIMARY = 1, TG_ROLE_BACKUP = 2 } tg_role;

/* With which state a replica became primary. */
typedef enum tg_origin {
  TG_ORIGIN_FRESH = 0,     /* with none: first start, or a promotion without a replicated state */
  TG_ORIGIN_CAUGHT_UP = 1, /* with all that was durable (needs extension taskgraph.standby/1) */
  TG_ORIGIN_RESTORED = 2   /* from a checkpoint (needs an extension) */
} tg_origin;

typedef enum tg_neighbour_change { TG_NEIGHBOUR_FAILED = 0, TG_NEIGHBOUR_RESTARTED = 1 } tg_neighbour_change;

/* How a pull ended: in exactly one of these, unless the replica that asked ends first (tg_completion.drop). */
typedef enum tg_outcome {
  TG_OUTCOME_VALUE = 0,        /* the bytes */
  TG_OUTCOME_ERROR = 1,        /* the other task answered an error: code and text */
  TG_OUTCOME_PEER_LOST = 2,    /* the other task will not come back; whether it ran is not known */
  TG_OUTCOME_EPOCH_PASSED = 3, /* one of both ends left the epoch of the pull: drop it */
  TG_OUTCOME_CANCELLED = 4,    /* by tg_host_api.cancel; whether it ran is not known */
  TG_OUTCOME_DEADLINE = 5      /* no answer in time; whether it ran is not known */
} tg_outcome;

/* Codes of TG_OUTCOME_ERROR. A task may use values from TG_CODE_USER on as it likes. */
typedef enum tg_code {
  TG_CODE_NONE = 0,
  TG_CODE_UNAVAILABLE = 1,      /* dropped unanswered: try again */
  TG_CODE_NO_SUCH_METHOD = 2,   /* the other task does not know the method */
  TG_CODE_BUSY = 3,             /* a limit is reached: slow down and try again; it did not run */
  TG_CODE_TOO_LARGE = 4,        /* the bytes exceed limits.message_bytes; it did not run */
  TG_CODE_FAILED = 5,           /* the application's own general error */
  TG_CODE_ANSWER_TOO_LARGE = 6, /* it ran, and its answer exceeds limits.message_bytes */
  TG_CODE_USER = 1000
} tg_code;

typedef enum tg_job_status { TG_JOB_DONE = 0, TG_JOB_FAILED = 1 } tg_job_status;
typedef enum tg_log_level { TG_LOG_DEBUG = 0, TG_LOG_INFO = 1, TG_LOG_WARNING = 2, TG_LOG_ERROR = 3 } tg_log_level;
typedef enum tg_exit_reason {
  TG_EXIT_JOB_ENDED = 0, /* done or failed */
  TG_EXIT_DRAIN = 1,     /* this host stops (SIGTERM): save what is to be saved */
  TG_EXIT_REPLACED = 2   /* this replica is no longer wanted here */
} tg_exit_reason;

/* One value of the topology's `plugin.args`, flattened: {"a": {"b": [7]}} is named "a.b.0". */
typedef enum tg_arg_kind { TG_ARG_TEXT = 0, TG_ARG_INTEGER = 1, TG_ARG_NUMBER = 2, TG_ARG_BOOLEAN = 3 } tg_arg_kind;
typedef struct tg_arg {
  tg_view name;
  tg_arg_kind kind;
  tg_view text;    /* the value as JSON text; for TG_ARG_TEXT the unescaped string, UTF-8 */
  int64_t integer; /* TG_ARG_INTEGER; for TG_ARG_BOOLEAN 0 or 1 */
  double number;   /* TG_ARG_NUMBER and TG_ARG_INTEGER */
} tg_arg;

/* What a plugin learns of its job. Lives as long as the process. */
typedef struct tg_job {
  uint32_t struct_size;
  uint32_t arg_count;
  const tg_arg* args; /* by rising name */
  tg_view name;       /* the topology's `job` */
  tg_view args_json;  /* `plugin.args` as compact JSON; "{}" without any */
  uint64_t task_count;
  tg_view directory; /* of the topology file, absolute: relative paths in args start here */
} tg_job;

/* `from` of a pull by somebody who is no task: people, curl, other programs. */
#define TG_FROM_OUTSIDE UINT64_MAX

typedef struct tg_host tg_host; /* the host's side of one replica */
typedef struct tg_pull tg_pull; /* one pull to be answered; owned by the task from `serve` until reply or refuse */

/* Something to be called later, once, on the strand: `run`, or `drop` when the replica ends before; neither when the
 * process does. Whichever is called frees `owner`; `drop` may be NULL where there is nothing to free. `run` is a hook:
 * a status other than TG_OK fails the replica. */
typedef struct tg_continuation {
  tg_status (*run)(void* owner, tg_error*);
  void (*drop)(void* owner);
  void* owner;
} tg_continuation;

/* The same for the end of a pull: `run` with its outcome, or `drop` when the replica ends before that. `body` is the
 * bytes (VALUE) or the error's text (ERROR); borrowed. */
typedef struct tg_completion {
  tg_status (*run)(void* owner, tg_outcome outcome, int32_t code, tg_view body, tg_error*);
  void (*drop)(void* owner);
  void* owner;
} tg_completion;

/* What a task may ask of its host. Functions with a tg_host belong to one replica and are [strand] unless they say
 * [any]; states: from the task's creation until its `exit` hook has returned. */
typedef struct tg_host_api {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;

  uint64_t (*task_id)(const tg_host*); /* [any] */
  uint64_t (*term)(const tg_host*);    /* [strand] fencing token of this task's primaryship; 0 for a backup */
  uint64_t (*epoch)(const tg_host*);   /* [strand] the newest epoch that this replica knows */
  tg_role (*role)(const tg_host*);     /* [strand] */
  /* [strand] Task ids of the neighbours on `link` in the current epoch, rising; owned by the host, valid until the hook
   * returns. NULL and *count = 0 when there is no such link. */
  const uint64_t* (*neighbours)(const tg_host*, tg_view link, size_t* count);

  /* [strand, primary] Raises a flag on `link` for the current epoch; `meta` is copied. TG_INVALID: no such link, or
   * meta larger than limits.flag_bytes. TG_BUSY: limits.flags_per_epoch is reached. */
  tg_status (*raise_flag)(tg_host*, tg_view link, tg_view meta);

  /* [strand, primary] Pulls from task `to`; `method` is copied; it has at most
   * 1024 bytes (else TG_CODE_TOO_LARGE). `deadline_ns` 0 means limits.pull_deadline. On TG_OK
   * `*pull_id` (unless NULL) names it for `cancel`, and `done` is run or dropped, once, after the running hook has
   * returned; limits too arrive there (TG_CODE_BUSY, TG_CODE_TOO_LARGE, TG_CODE_ANSWER_TOO_LARGE). TG_INVALID (no such
   * task, or a negative deadline), TG_NOT_PRIMARY, TG_EXITED: `done` is untouched and still the caller's. `body` is
   * released in every case. */
  tg_status (*pull)(tg_host*, uint64_t to, tg_view method, tg_buffer body, int64_t deadline_ns, tg_completion done,
                    uint64_t* pull_id);
  /* [strand] The pull's outcome becomes CANCELLED unless it has one. TG_INVALID: `done` has been run, or there never
   * was such a pull. */
  tg_status (*cancel)(tg_host*, uint64_t pull_id);

  /* [strand, primary] Asks for epoch from + 1. When that stands already, it is success and nothing happens. */
  tg_status (*advance_epoch)(tg_host*, uint64_t from);
  /* [strand, primary] Ends the job, for all; `result` is JSON (at most 256 KiB), copied; TG_INVALID when it is no JSON.
   */
  tg_status (*finish_job)(tg_host*, tg_job_status status, tg_view result);

  tg_status (*after)(tg_host*, int64_t delay_ns,
                     tg_continuation);          /* [strand] on another status it stays the caller's */
  tg_status (*post)(tg_host*, tg_continuation); /* [any] runs on the strand; same ownership */
  int64_t (*now)(const tg_host*); /* [any] ns since some start; never falls; simulated time in a simulation */
  uint64_t (*random)(tg_host*);   /* [strand] 64 random bits, seeded per replica; not for secrets */
  void (*log)(const tg_host*, tg_log_level, tg_view text); /* [any] */

  /* [any, once per pull] Both consume the tg_pull, also when its replica or its epoch has ended: then the answer
   * reaches nobody. */
  void (*reply)(tg_pull*, tg_buffer body);
  void (*refuse)(tg_pull*, int32_t code, tg_view text);

  /* [any] NULL when the host does not know the extension. */
  const void* (*extension)(const tg_host*, tg_view id);
  tg_view (*life)(const tg_host*); /* [any] uuid of the worker process' life that this replica belongs to, as text */
} tg_host_api;

/* What a host calls on one replica of a task; [strand] all. A status other than TG_OK fails the replica, with the text
 * of the tg_error, and the task is restarted by the topology's `restart` policy. NULL means "does nothing", but for
 * `destroy`. Order: init, then became_primary or became_backup, then (primary) enter_epoch, then its flags and pulls.
 */
typedef struct tg_task_hooks {
  uint32_t struct_size;
  tg_status (*init)(void* task, tg_error*);
  tg_status (*became_primary)(void* task, uint64_t term, tg_origin origin, tg_error*);
  tg_status (*became_backup)(void* task, tg_error*);
  /* No hook for an earlier epoch starts after this one. A replica that lags enters the newest epoch only. */
  tg_status (*enter_epoch)(void* task, uint64_t epoch, tg_error*);
  /* `link` is the receiver's own name of the link (the inverse of the sender's). */
  tg_status (*flag_raised)(void* task, uint64_t from, tg_view link, tg_view meta, tg_error*);
  /* The task owns `pull` from now on, also when it fails. `body` is borrowed for the call. `from` is the task that
   * pulls, or TG_FROM_OUTSIDE: such a pull belongs to no epoch, stays open when one ends, and is to be answered in
   * whichever epoch the task has come to. */
  tg_status (*serve)(void* task, tg_pull* pull, uint64_t from, tg_view method, tg_view body, tg_error*);
  tg_status (*neighbour_changed)(void* task, uint64_t neighbour, tg_view link, tg_neighbour_change, tg_error*);
  void (*exit)(void* task, tg_exit_reason); /* last hook; not called when the replica was killed or has failed */
  void (*destroy)(void* task);              /* frees it; no function of tg_host may be called from here on */
} tg_task_hooks;

/* A created task. */
typedef struct tg_task {
  void* object;
  const tg_task_hooks* hooks; /* lives as long as the process */
} tg_task;

/* The exported entry. The first four fields never move in any version of this ABI. */
typedef struct tg_plugin {
  uint64_t magic; /* TG_PLUGIN_MAGIC */
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t struct_size; /* sizeof(tg_plugin) as the plugin was compiled */
  const char* name;
  const char* version;
  /* Methods that change nothing, by name, NULL-terminated; may be NULL. They may be asked for by HTTP GET. */
  const char* const* read_only_methods;
  /* [main] Once, before any task. `api` and `job` live as long as the process. */
  tg_status (*init)(const tg_host_api* api, const tg_job* job, tg_error*);
  /* [strand] One replica of task `id`; `host` lives until `destroy` has returned. */
  tg_status (*create_task)(uint64_t id, tg_host* host, tg_task* out, tg_error*);
  /* [main] After the last task is gone; may be NULL. */
  void (*deinit)(void);
  /* [any] What else the plugin offers, by extension id; NULL for what it does not; may be NULL itself. */
  const void* (*extension)(const char* id);
} tg_plugin;

#ifdef __cplusplus
}
#endif

#endif /* TASKGRAPH_ABI_H */
