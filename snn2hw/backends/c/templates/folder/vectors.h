@HEAD@
#ifndef SNN_VECTORS_H
#define SNN_VECTORS_H

#include "snn.h"

#define VECTORS @COUNT@    /* of the @TOTAL@ samples in vectors.npz */

/* Number of each in vectors.npz, from 0. */
@SAMPLES@
@PAYLOADS@
/* What the reference executor gives. */
@READOUTS@
#endif
