"""double-angle: the cosine of a small angle, and then cos 2t = 2cos²t − 1 again and again.

Elbrächter, Perekrestenko, Grohs, Bölcskei, "Deep Neural Network Approximation Theory",
arXiv:1901.02220, section on sinusoidal functions: squarings only, each by Yarotsky's sawtooth
(arXiv:1610.01145, Proposition 2).

In w = 1 − cos t the recursion reads w(2t) = 2 − 2(1 − w)² = 4w − 2w², which has its fixed point
where errors matter least, at the small angle; w is in [0, 2] throughout. The start is
w(t) ≈ t²/2 − t⁴/24, of which the first square gives t² and the second t⁴.
"""
