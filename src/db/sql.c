#include "db/sql.h"

void sql_add_name(struct buf *sql, struct str name)
{
    buf_add_byte(sql, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"') {
            buf_add_byte(sql, '"');
        }
        buf_add_byte(sql, name.ptr[i]);
    }
    buf_add_byte(sql, '"');
}
