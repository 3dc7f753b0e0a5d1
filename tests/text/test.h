/* test: CMocka with what its header needs before it, in the order it needs it. */
#ifndef SLUICE_TESTS_TEXT_TEST_H
#define SLUICE_TESTS_TEXT_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/str.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Two texts are equal; otherwise both are printed. */
#define assert_str_equal(left, right)                                                              \
    do {                                                                                           \
        struct str left_ = (left);                                                                 \
        struct str right_ = (right);                                                               \
        if (!str_equal(left_, right_)) {                                                           \
            fail_msg("\"%.*s\" is not \"%.*s\"", STR_ARG(left_), STR_ARG(right_));                 \
        }                                                                                          \
    } while (0)

#endif
