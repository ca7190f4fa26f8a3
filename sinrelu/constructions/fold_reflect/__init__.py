"""fold-reflect: fold x into a tiny cell, use a quadratic there, undo the folds by reflections."""
