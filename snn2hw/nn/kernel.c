/* The step of snn2hw/nn/equation.py and its reverse sweep for float32 in main memory: the same operations on the same floats in the
   same order, BLOCK neurons through all steps while they are in the cache. No sum here runs over neurons. */
#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-trapping-math") /* comparisons of floats become selects; no value changes */
#endif

enum { BLOCK = 256, DEGREE = 5, LEVELS = 16 };
enum { SUBTRACT, VALUE, NONE };
enum { RECTANGLE, TRIANGLE, ATAN, GIVEN };

typedef struct {
    int64_t steps, size, inner, channels; /* size: neurons of a step; inner: neurons of a channel that lie together */
    int64_t scheduled;                    /* steps that have thresholds of their own; those of the last one stay */
    int32_t rows, degree, levels, input_first, reset, strict, is_signed, surrogate;
    float lo, hi, reset_value;
    const float *a, *slope_terms, *thetas, *amplitudes, *widths;
} Layer;

typedef float Lane[BLOCK];

/* terms [rows, count] as count lanes for the neurons from `at` on */
static void spread(const Layer *s, const float *terms, int count, int64_t at, int n, Lane *lanes) {
    for (int k = 0; k < count; k++) {
        if (s->rows == 1) {
            for (int i = 0; i < n; i++) lanes[k][i] = terms[k];
        } else {
            int64_t left = s->inner - at % s->inner, c = at / s->inner % s->channels;
            for (int i = 0; i < n; i++) {
                lanes[k][i] = terms[c * count + k];
                if (--left == 0) {
                    left = s->inner;
                    c = c + 1 == s->channels ? 0 : c + 1;
                }
            }
        }
    }
}

/* terms[0] + terms[1] v + ... + terms[count - 1] v^(count - 1); count at least 2 */
static void horner(Lane *terms, int count, const float *restrict v, int n, float *restrict y) {
    const float *last = terms[count - 1], *next = terms[count - 2];
    for (int i = 0; i < n; i++) y[i] = last[i] * v[i] + next[i];
    for (int k = count - 3; k >= 0; k--) {
        const float *term = terms[k];
        for (int i = 0; i < n; i++) y[i] = y[i] * v[i] + term[i];
    }
}

static inline float clamp(float y, float lo, float hi) { return y < lo ? lo : y > hi ? hi : y; }

static inline float spike(float r, float theta, int strict, int is_signed) {
    float up = (strict ? r > theta : r >= theta) ? 1.0f : 0.0f;
    float down = is_signed && (strict ? r < -theta : r <= -theta) ? 1.0f : 0.0f;
    return up - down;
}

#define ROUND(STRICT, SIGNED)                                                        \
    for (int i = 0; i < n; i++) {                                                    \
        spikes[i] = spike(r[i], theta, STRICT, SIGNED);                              \
        after[i] = r[i] - spikes[i] * theta;                                         \
    }

static inline const float *thetas_at(const Layer *s, int64_t t) {
    return s->thetas + (t < s->scheduled ? t : s->scheduled - 1) * s->levels;
}

/* one level: spikes and what is left of r */
static void fire(const Layer *s, float theta, const float *restrict r, int n, float *restrict spikes, float *restrict after) {
    if (s->strict && s->is_signed) {
        ROUND(1, 1)
    } else if (s->strict) {
        ROUND(1, 0)
    } else if (s->is_signed) {
        ROUND(0, 1)
    } else {
        ROUND(0, 0)
    }
}

/* u: the membrane after the reset, of h and the rounds that were fired on it */
static void settle(const Layer *s, const float *restrict h, const float *restrict last, const float *restrict fired, int n,
                   float *restrict u) {
    const float value = s->reset_value; /* a local: what is stored through a pointer to float cannot change it */
    if (s->reset == SUBTRACT) {
        for (int i = 0; i < n; i++) u[i] = last[i];
    } else if (s->reset == NONE) {
        for (int i = 0; i < n; i++) u[i] = h[i];
    } else {
        for (int i = 0; i < n; i++) u[i] = fired[i] != 0.0f ? value : h[i];
    }
}

void snn2hw_forward(const Layer *s, int64_t begin, int64_t end, const float *x, float *state, float *payload, float *h, float *z) {
    Lane terms[DEGREE + 1], u, y, r, next, spikes, fired;
    const float lo = s->lo, hi = s->hi;
    for (int64_t at = begin; at < end; at += BLOCK) {
        int n = end - at < BLOCK ? (int)(end - at) : BLOCK;
        spread(s, s->a, s->degree + 1, at, n, terms);
        for (int i = 0; i < n; i++) u[i] = state[at + i];
        for (int64_t t = 0; t < s->steps; t++) {
            const float *restrict now = x + t * s->size + at, *thetas = thetas_at(s, t);
            float *restrict paid = payload + t * s->size + at, *restrict held = h + t * s->size + at;
            if (s->input_first) {
                float *restrict argument = z + t * s->size + at;
                for (int i = 0; i < n; i++) argument[i] = clamp(u[i] + now[i], lo, hi);
                horner(terms, s->degree + 1, argument, n, y);
                for (int i = 0; i < n; i++) r[i] = held[i] = clamp(y[i], lo, hi);
            } else {
                horner(terms, s->degree + 1, u, n, y);
                for (int i = 0; i < n; i++) r[i] = held[i] = clamp(y[i] + now[i], lo, hi);
            }
            for (int i = 0; i < n; i++) paid[i] = fired[i] = 0.0f;
            for (int k = 0; k < s->levels; k++) {
                const float amplitude = s->amplitudes[k];
                fire(s, thetas[k], r, n, spikes, next);
                for (int i = 0; i < n; i++) {
                    paid[i] += spikes[i] * amplitude;
                    fired[i] = spikes[i] != 0.0f ? 1.0f : fired[i];
                    r[i] = next[i];
                }
            }
            settle(s, held, r, fired, n, u);
        }
        for (int i = 0; i < n; i++) state[at + i] = u[i];
    }
}

/* dS_w(x)/dx of the soft step, and dS_w(x)/dw where it is asked for, at x = sign*r - theta; `given` are those of other steps */
static void soften(int kind, const float *restrict given, const float *restrict width_given, float w, float sign, float theta, const float *restrict r, int n, float *restrict slope,
                   float *restrict width_slope) {
    const float inverse = 1.0f / w, half = w * 0.5f, pi = 3.14159265358979323846f;
    if (kind == GIVEN) {
        for (int i = 0; i < n; i++) slope[i] = given[i];
        if (width_slope)
            for (int i = 0; i < n; i++) width_slope[i] = width_given[i];
        return;
    }
    if (kind == RECTANGLE) {
        for (int i = 0; i < n; i++) {
            float x = sign * r[i] - theta;
            slope[i] = ((x < 0.0f ? -x : x) < half ? 1.0f : 0.0f) * inverse;
        }
    } else if (kind == TRIANGLE) {
        for (int i = 0; i < n; i++) {
            float q = (sign * r[i] - theta) * inverse, y = 1.0f - (q < 0.0f ? -q : q);
            slope[i] = (y < 0.0f ? 0.0f : y) * inverse;
        }
    } else {
        for (int i = 0; i < n; i++) {
            float q = (sign * r[i] - theta) * inverse * pi;
            slope[i] = inverse / (q * q + 1.0f);
        }
    }
    if (width_slope)
        for (int i = 0; i < n; i++) width_slope[i] = -((sign * r[i] - theta) / w) * slope[i];
}

/* The rounds of one step: r before each level and after the last, spikes of each level, and the membrane they leave. */
typedef struct {
    Lane r[LEVELS + 1], spikes[LEVELS], fired, u;
} Rounds;

static void fire_all(const Layer *s, const float *thetas, const float *h, int n, Rounds *made) {
    for (int i = 0; i < n; i++) {
        made->r[0][i] = h[i];
        made->fired[i] = 0.0f;
    }
    for (int k = 0; k < s->levels; k++) {
        fire(s, thetas[k], made->r[k], n, made->spikes[k], made->r[k + 1]);
        for (int i = 0; i < n; i++) made->fired[i] = made->spikes[k][i] != 0.0f ? 1.0f : made->fired[i];
    }
    settle(s, h, made->r[s->levels], made->fired, n, made->u);
}

/* state: the membrane before the first step; gstate: its gradient after the last step, and, on return, before the first.
   above, below: what is added to the gradient of h where it is positive, negative; sums are added to; most may be NULL.
   given: [levels, steps, size] each, slopes and width slopes of the surrogate at r - theta, then at -r - theta. */
void snn2hw_backward(const Layer *s, int64_t begin, int64_t end, const float *h, const float *z, const float *state,
                     const float *gpayload, const float *above, const float *below, const float *const *given, float *gstate,
                     float *gx, float *sum_a, float *sum_thetas, float *of_widths) {
    Lane terms[DEGREE], v, gu, gr, gh, keep, add, slope, power, both, up, down, wup, wdown, width;
    Lane sums[DEGREE + 1];
    Rounds made[2];
    const float lo = s->lo, hi = s->hi;
    for (int64_t at = begin; at < end; at += BLOCK) {
        int n = end - at < BLOCK ? (int)(end - at) : BLOCK, current = 0;
        spread(s, s->slope_terms, s->degree, at, n, terms);
        for (int i = 0; i < n; i++) {
            gu[i] = gstate[at + i];
            down[i] = wdown[i] = wup[i] = 0.0f;
        }
        if (sum_a)
            for (int k = 0; k <= s->degree; k++)
                for (int i = 0; i < n; i++) sums[k][i] = sum_a[k * s->size + at + i];
        fire_all(s, thetas_at(s, s->steps - 1), h + (s->steps - 1) * s->size + at, n, &made[current]);
        for (int64_t t = s->steps - 1; t >= 0; t--, current = 1 - current) {
            const float *held = h + t * s->size + at, w = s->widths[t];
            const float *gp = gpayload ? gpayload + t * s->size + at : 0, *thetas = thetas_at(s, t);
            float *sum_row = sum_thetas ? sum_thetas + (thetas - s->thetas) * s->size + at : 0;
            Rounds *now = &made[current];
            if (t > 0) fire_all(s, thetas_at(s, t - 1), held - s->size, n, &made[1 - current]);
            for (int i = 0; i < n; i++) {
                v[i] = s->input_first ? z[t * s->size + at + i] : t > 0 ? made[1 - current].u[i] : state[at + i];
                keep[i] = s->reset == VALUE && now->fired[i] != 0.0f ? 0.0f : 1.0f;
                add[i] = 0.0f;
                width[i] = 0.0f;
                gr[i] = s->reset == SUBTRACT ? gu[i] : 0.0f;
            }
            for (int k = s->levels - 1; k >= 0; k--) {
                const float theta = thetas[k], amplitude = s->amplitudes[k];
                const float *spikes = now->spikes[k], *at_k[4] = {0};
                for (int m = 0; m < 4 && s->surrogate == GIVEN; m++)
                    at_k[m] = given[m] ? given[m] + (k * s->steps + t) * s->size + at : 0;
                soften(s->surrogate, at_k[0], at_k[1], w, 1.0f, theta, now->r[k], n, up, of_widths ? wup : 0);
                if (s->is_signed)
                    soften(s->surrogate, at_k[2], at_k[3], w, -1.0f, theta, now->r[k], n, down, of_widths ? wdown : 0);
                for (int i = 0; i < n; i++) {
                    float factor, paid = (gp ? gp[i] : 0.0f) * amplitude;
                    both[i] = up[i] + down[i];
                    factor = 1.0f - both[i] * theta;
                    add[i] = add[i] * factor + paid * both[i];
                    keep[i] = s->reset == SUBTRACT ? keep[i] * factor : keep[i];
                }
                if (sum_row || of_widths)
                    for (int i = 0; i < n; i++) {
                        float gs = (gp ? gp[i] : 0.0f) * amplitude - gr[i] * theta;
                        if (sum_row) sum_row[k * s->size + i] += gs * (down[i] - up[i]) - gr[i] * spikes[i];
                        width[i] += gs * (wup[i] - wdown[i]);
                        gr[i] = gr[i] + gs * both[i];
                    }
            }
            if (above)
                for (int i = 0; i < n; i++) add[i] += held[i] > 0.0f ? above[t] : held[i] < 0.0f ? below[t] : 0.0f;
            if (s->degree > 1)
                horner(terms, s->degree, v, n, slope);
            else
                for (int i = 0; i < n; i++) slope[i] = terms[0][i];
            for (int i = 0; i < n; i++) {
                int inside = (held[i] > lo) & (held[i] < hi);
                gh[i] = (inside ? keep[i] : 0.0f) * gu[i] + (inside ? add[i] : 0.0f);
                if (s->input_first) slope[i] = (v[i] <= lo) | (v[i] >= hi) ? 0.0f : slope[i];
                gu[i] = gh[i] * slope[i];
                gx[t * s->size + at + i] = s->input_first ? gu[i] : gh[i];
            }
            if (of_widths)
                for (int i = 0; i < n; i++) of_widths[t * s->size + at + i] = width[i];
            if (sum_a) {
                for (int i = 0; i < n; i++) {
                    power[i] = gh[i];
                    sums[0][i] += gh[i];
                }
                for (int k = 1; k <= s->degree; k++)
                    for (int i = 0; i < n; i++) {
                        power[i] *= v[i];
                        sums[k][i] += power[i];
                    }
            }
        }
        for (int i = 0; i < n; i++) gstate[at + i] = gu[i];
        if (sum_a)
            for (int k = 0; k <= s->degree; k++)
                for (int i = 0; i < n; i++) sum_a[k * s->size + at + i] = sums[k][i];
    }
}
