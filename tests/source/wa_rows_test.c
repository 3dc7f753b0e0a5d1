#include "source/wa_rows.h"
#include "test.h"
static void nothing(void **state){(void)state;}
int main(void){const struct CMUnitTest tests[]={cmocka_unit_test(nothing)};return cmocka_run_group_tests_name("source/wa_rows",tests,NULL,NULL);}
