#include "text/mediatype.h"

#include <stddef.h>

static const struct {
    struct str ending;
    struct str type;
} table[] = {
    {STR_INIT("jpg"), STR_INIT("image/jpeg")},      {STR_INIT("png"), STR_INIT("image/png")},
    {STR_INIT("webp"), STR_INIT("image/webp")},     {STR_INIT("gif"), STR_INIT("image/gif")},
    {STR_INIT("avif"), STR_INIT("image/avif")},     {STR_INIT("heic"), STR_INIT("image/heic")},
    {STR_INIT("bmp"), STR_INIT("image/bmp")},       {STR_INIT("mp4"), STR_INIT("video/mp4")},
    {STR_INIT("ogg"), STR_INIT("audio/ogg")},       {STR_INIT("mp3"), STR_INIT("audio/mpeg")},
    {STR_INIT("pdf"), STR_INIT("application/pdf")},
};

enum { COUNT = sizeof table / sizeof table[0] };

struct str mediatype_of(struct str ending)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (str_equal(table[i].ending, ending)) {
            return table[i].type;
        }
    }
    return STR("application/octet-stream");
}

struct str mediatype_ending(struct str type)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (str_equal(table[i].type, type)) {
            return table[i].ending;
        }
    }
    return STR("bin");
}
