/*
 * yaml_scalar: what a plain word means. Only for yaml.c, and for its tests.
 */
#ifndef SLUICE_TEXT_YAML_SCALAR_H
#define SLUICE_TEXT_YAML_SCALAR_H

#include "text/yaml.h"

/* Kind and value from the text of a scalar that has neither quotes nor a tag. */
void yaml_scalar_type(struct yaml_node *node);

#endif
