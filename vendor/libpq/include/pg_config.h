/*
 * What PostgreSQL's configure would find, written by hand for libpq alone: Linux with musl or
 * glibc, x86_64 and aarch64 (64 bits, little endian). TLS is on, and it is not OpenSSL (tls.c).
 */
#include <features.h>

#define PG_MAJORVERSION        "17"
#define PG_MAJORVERSION_NUM    17
#define PG_MINORVERSION_NUM    11
#define PG_VERSION             "17.11"
#define PG_VERSION_NUM         170011
#define PG_VERSION_STR         "PostgreSQL 17.11 (libpq only)"
#define PG_KRB_SRVNAM          "postgres"
#define DEF_PGPORT             5432
#define DEF_PGPORT_STR         "5432"
#define BLCKSZ                 8192
#define XLOG_BLCKSZ            8192
#define RELSEG_SIZE            131072
#define MEMSET_LOOP_LIMIT      1024
#define ALIGNOF_SHORT          2
#define ALIGNOF_INT            4
#define ALIGNOF_LONG           8
#define ALIGNOF_INT64_T        8
#define ALIGNOF_DOUBLE         8
#define MAXIMUM_ALIGNOF        8
#define SIZEOF_VOID_P          8
#define SIZEOF_SIZE_T          8
#define SIZEOF_LONG            8
#define SIZEOF_BOOL            1
#define HAVE_LONG_INT_64       1
#define INT64_MODIFIER         "l"
#define PG_INT128_TYPE         __int128
#define ALIGNOF_PG_INT128_TYPE 16
#define FLEXIBLE_ARRAY_MEMBER
#define PG_C_PRINTF_ATTRIBUTE            printf
#define pg_restrict                      __restrict
#define HAVE_STDBOOL_H                   1
#define PG_USE_STDBOOL                   1
#define HAVE__STATIC_ASSERT              1
#define HAVE__BUILTIN_TYPES_COMPATIBLE_P 1
#define HAVE__BUILTIN_BSWAP16            1
#define HAVE__BUILTIN_BSWAP32            1
#define HAVE__BUILTIN_BSWAP64            1
#define HAVE__BUILTIN_CLZ                1
#define HAVE__BUILTIN_CTZ                1
#define HAVE__BUILTIN_POPCOUNT           1
#define HAVE__BUILTIN_CONSTANT_P         1
#define HAVE__BUILTIN_UNREACHABLE        1
#define HAVE_GCC__ATOMIC_INT32_CAS       1
#define HAVE_GCC__ATOMIC_INT64_CAS       1
#define HAVE_GCC__SYNC_INT32_CAS         1
#define HAVE_GCC__SYNC_INT64_CAS         1
#define HAVE_GCC__SYNC_CHAR_TAS          1
#define HAVE_GCC__SYNC_INT32_TAS         1
#define HAVE_TYPEOF                      1
#define HAVE_VISIBILITY_ATTRIBUTE        1
#define HAVE_DECL_STRNLEN                1
#define HAVE_DECL_STRTOLL                1
#define HAVE_DECL_STRTOULL               1
#define HAVE_DECL_STRCHRNUL              1
#define HAVE_STRNLEN                     1
#define HAVE_STRSIGNAL                   1
#define HAVE_STRERROR_R                  1
#define HAVE_EXPLICIT_BZERO              1
#define HAVE_INET_ATON                   1
#define HAVE_INET_PTON                   1
#define HAVE_MKDTEMP                     1
#define HAVE_GETOPT                      1
#define HAVE_GETOPT_LONG                 1
#define HAVE_GETIFADDRS                  1
#define HAVE_SOCKLEN_T                   1
#define HAVE_STRUCT_SOCKADDR_UN          1
#define HAVE_POLL                        1
#define HAVE_PTHREAD                     1
#define HAVE_LOCALE_T                    1
#define HAVE_INTTYPES_H                  1
#define HAVE_STDINT_H                    1
#define HAVE_STDLIB_H                    1
#define HAVE_STRING_H                    1
#define HAVE_STRINGS_H                   1
#define HAVE_UNISTD_H                    1
#define HAVE_SYS_STAT_H                  1
#define HAVE_SYS_TYPES_H                 1
#define HAVE_TERMIOS_H                   1
#define USE_SSL                          1
#define HAVE_LANGINFO_H                  1
#ifndef __GLIBC__
#define STRERROR_R_INT    1
#define HAVE_DECL_STRLCAT 1
#define HAVE_DECL_STRLCPY 1
#define HAVE_STRLCAT      1
#define HAVE_STRLCPY      1
#else
#define HAVE_DECL_STRLCAT 0
#define HAVE_DECL_STRLCPY 0
#endif
