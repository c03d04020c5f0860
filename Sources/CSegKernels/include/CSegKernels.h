#ifndef CSEGKERNELS_H
#define CSEGKERNELS_H
#endif
