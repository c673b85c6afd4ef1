/* The C side: abi.h is C11, and its layout is the promised one. */
#include "layout.h"

#define CHECK_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "the size of " #type);
#define CHECK_FIELD(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field);
#define CHECK_VALUE(name, number) _Static_assert((name) == (number), #name);
ABI_SIZES(CHECK_SIZE)
ABI_FIELDS(CHECK_FIELD)
ABI_VALUES(CHECK_VALUE)

const abi_fact abi_facts_in_c[] = {ABI_SIZES(ABI_FACT_SIZE) ABI_FIELDS(ABI_FACT_FIELD)
                                       ABI_VALUES(ABI_FACT_VALUE){NULL, 0}};
