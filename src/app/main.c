/* main: the process. */
#include <stdio.h>

int main(void)
{
    return printf("sluice %s\n", SLUICE_VERSION) < 0;
}
