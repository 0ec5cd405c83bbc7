    for (int64_t v0 = lo; v0 <= hi; ++v0) {
@STATEMENTS@
        const double x = (double)v0 * step;
        double y = c[@DEGREE@];
@HORNER@
        errors[v0 - lo] = (double)@WATCHED@ - y;
    }
    for (int64_t v0 = lo; v0 <= hi; ++v0) {
        const double e = errors[v0 - lo];
        if (fabs(e) > ends[0]) { ends[0] = fabs(e); *at = v0; }
        if (e < ends[1]) ends[1] = e;
        if (e > ends[2]) ends[2] = e;
    }
