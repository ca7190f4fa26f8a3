"""Polynomials by approximate squarings: taylor, chebyshev and double-angle."""
