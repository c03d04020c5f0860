#include <stdio.h>
#include <zip.h>
