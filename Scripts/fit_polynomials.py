#!/usr/bin/env python3
"""Fits the polynomials of Sources/CSegKernels/scalar_math.inc and prints them as the header polynomials.inc.

Each is fitted in extended precision at Chebyshev nodes, with the weights of Lawson's iteration, so that the largest
relative error of the whole function (not of the polynomial) is least. Needs mpmath and numpy.
"""
import numpy as np
from mpmath import mp, mpf, erf, erfc, exp, log, tanh, sqrt

mp.dps = 40


def fit(name, f, weight, lo, hi, degree, rounds=60):
    """min over p of max |f(x) - p(x)| weight(x) on [lo, hi], by Lawson's reweighted least squares."""
    nodes = 400
    k = np.arange(nodes)
    xs = 0.5 * (lo + hi) + 0.5 * (hi - lo) * np.cos(np.pi * (k + 0.5) / nodes)
    values = np.array([float(f(mpf(x))) for x in xs])
    scale = np.array([float(weight(mpf(x))) for x in xs])
    mid, half = 0.5 * (lo + hi), 0.5 * (hi - lo)
    basis = np.polynomial.chebyshev.chebvander((xs - mid) / half, degree)
    w = np.ones(nodes) / nodes
    best = None
    for _ in range(rounds):
        root = np.sqrt(w) * scale
        c, *_ = np.linalg.lstsq(basis * root[:, None], values * root, rcond=None)
        error = np.abs(basis @ c - values) * scale
        if best is None or error.max() < best[0]:
            best = (error.max(), c)
        w = w * error
        w /= w.sum()
    poly = np.polynomial.chebyshev.Chebyshev(best[1], domain=[lo, hi]).convert(kind=np.polynomial.Polynomial)
    print(f"// {name}: largest error {best[0]:.1e}")
    for power, coefficient in enumerate(poly.coef):
        print(f"#define SEG_{name}_{power} {coefficient:.9g}f")


ln2half = float(log(2) / 2)
# (e^r - 1 - r) / r^2, weighted by what it contributes to e^r
fit("EXP", lambda r: (exp(r) - 1 - r) / r**2, lambda r: r * r / exp(r), -ln2half * 1.01, ln2half * 1.01, 5)
# (tanh x - x) / x^3 in z = x^2
fit("TANH", lambda z: (tanh(sqrt(z)) - sqrt(z)) / sqrt(z) ** 3, lambda z: z * sqrt(z) / tanh(sqrt(z)), 1e-6, 0.625**2, 4)
# erf x / x in z = x^2
fit("ERF", lambda z: erf(sqrt(z)) / sqrt(z), lambda z: sqrt(z) / erf(sqrt(z)), 1e-6, 1.0, 6)
# erfc x e^(x^2) / t in t = 1 / (1 + x / 2), weighted by e^(-x^2): absolute error of erf
fit("ERFC", lambda t: erfc((1 / t - 1) * 2) * exp(((1 / t - 1) * 2) ** 2) / t,
    lambda t: t * exp(-((1 / t - 1) * 2) ** 2) + mpf("1e-9"), 1 / 3.0, 2 / 3.0, 7)
# (log(1 + s) - s + s^2 / 2) / s^3, weighted by what it contributes to log(1 + s)
fit("LOG", lambda s: (log(1 + s) - s + s * s / 2) / s**3, lambda s: abs(s**3 / log(1 + s)),
    float(sqrt(mpf(1) / 2)) - 1, float(sqrt(mpf(2))) - 1, 7)
