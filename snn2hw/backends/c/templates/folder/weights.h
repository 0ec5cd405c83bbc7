@HEAD@
#ifndef SNN_WEIGHTS_H
#define SNN_WEIGHTS_H

#include <stdint.h>
@ARRAYS@
#endif
