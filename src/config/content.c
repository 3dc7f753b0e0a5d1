#include "config/content.h"

#include <string.h>

#include "crypto/digest.h"

/* A node as text whose parts cannot be taken for each other, hashed. */
static void node_digest(struct reader *reader, const struct yaml_node *node,
                        char out[DIGEST_SIZE_MAX]);

static void add_kind(struct digest *digest, enum yaml_kind kind, size_t count)
{
    const uint64_t words[2] = {(uint64_t)kind, count};
    digest_add(digest, (struct str){(const char *)words, sizeof words});
}

/* The entries of a map in any order: their digests are added up bit by bit. */
static void add_map(struct digest *digest, struct reader *reader, const struct yaml_node *map)
{
    char sum[DIGEST_SHA256_SIZE] = {0};
    for (size_t i = 0; i < yaml_count(map); i++) {
        char parts[2 * DIGEST_SIZE_MAX] = {0};
        char entry[DIGEST_SIZE_MAX];
        node_digest(reader, reader_key(map, i), parts);
        node_digest(reader, reader_value(map, i), parts + DIGEST_SIZE_MAX);
        (void)digest_of(DIGEST_SHA256, (struct str){parts, sizeof parts}, entry);
        for (size_t at = 0; at < sizeof sum; at++) {
            sum[at] = (char)(sum[at] ^ entry[at]);
        }
    }
    digest_add(digest, (struct str){sum, sizeof sum});
}

static void add_list(struct digest *digest, struct reader *reader, const struct yaml_node *list)
{
    for (size_t i = 0; i < yaml_count(list); i++) {
        char item[DIGEST_SIZE_MAX];
        node_digest(reader, yaml_at(list, i), item);
        digest_add(digest, (struct str){item, DIGEST_SHA256_SIZE});
    }
}

static void add_scalar(struct digest *digest, struct reader *reader, const struct yaml_node *node)
{
    struct faults ignored = {.arena = reader->arena};
    struct expansion expansion = {0};
    struct str text = yaml_text(node);
    if (env_expand(reader->env, reader->arena, text, (struct place){0}, &ignored, &expansion)) {
        text = expansion.text;
    }
    digest_add(digest, text);
}

/* As deep as YAML lets a file be (text/yaml). */
static void node_digest(struct reader *reader, const struct yaml_node *node,
                        char out[DIGEST_SIZE_MAX])
{
    struct digest digest;
    digest_init(&digest, DIGEST_SHA256);
    enum yaml_kind kind = yaml_kind(node);
    add_kind(&digest, kind, yaml_count(node));
    if (kind == YAML_MAP) {
        add_map(&digest, reader, node);
    } else if (kind == YAML_LIST) {
        add_list(&digest, reader, node);
    } else if (kind != YAML_ABSENT && kind != YAML_NULL) {
        add_scalar(&digest, reader, node);
    }
    memset(out, 0, DIGEST_SIZE_MAX);
    (void)digest_value(&digest, out);
}

struct str config_content(struct reader *reader, const struct yaml_node *node)
{
    char out[DIGEST_SIZE_MAX];
    node_digest(reader, node, out);
    return arena_copy(reader->arena, (struct str){out, DIGEST_SHA256_SIZE});
}
