"""Free algebra: identities between matrices of any size, by the rules that their inverses obey.

A matrix is a sum of words in letters: symbols, their transposes, and an inverse J of M with M J = J M = 1. The rules are
completed by their overlaps, as far as patience goes (Mora 1994); what they reduce to 0 is 0 for matrices of every size for
which both sides are defined. A trace is cyclic, and that of the transpose; det(1 + X Y) = det(1 + Y X).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

__all__ = ["UnknownError", "vanishes"]

Letter = tuple[Any, ...]  # ("symbol", what, whether transposed), ("operator", what) or ("inverse", of what)
Word = tuple[Letter, ...]
Sum = dict[Word, sp.Expr]

POINT = sp.S.One, sp.S.One  # the shape of an operator
LONGEST, MOST_RULES, ROUNDS = 9, 60, 4
MOST_TURNS = 200  # reductions of the words of a trace


class UnknownError(NotImplementedError):
    """Not of words."""


@dataclass
class _Algebra:
    """The rules, {leading word: what it is}, of the letters met so far; and the shapes of these."""

    rules: dict[Word, Sum] = field(default_factory=dict)
    shapes: dict[Letter, tuple[sp.Expr, sp.Expr]] = field(default_factory=dict)
    inverted: dict[Letter, Sum] = field(default_factory=dict)
    divisors: set[sp.Expr] = field(default_factory=set)  # by which the line divides, so that they are not 0

    # --- from sympy ---

    def read(self, e: sp.Basic) -> Sum:
        """The words of a matrix, or of an expression of symbols that do not commute.

        Raises:
            UnknownError: where it is made of anything else.
        """
        if isinstance(e, sp.MatrixSymbol):
            return self.letter(("symbol", sp.srepr(e), False), e.shape)
        if isinstance(e, sp.Symbol) and e.is_commutative is False:
            return self.letter(("operator", sp.srepr(e)), POINT)
        if isinstance(e, sp.Identity):
            return {(): sp.S.One}
        if isinstance(e, sp.ZeroMatrix):
            return {}
        if isinstance(e, sp.MatAdd | sp.Add):
            return _total(map(self.read, e.args))
        if isinstance(e, sp.MatMul | sp.Mul):
            product: Sum = {(): sp.S.One}
            for factor in e.args:
                product = _product(product, self.read(factor))
            return product
        if isinstance(e, sp.Transpose):
            return self.transposed(self.read(e.arg))
        if isinstance(e, sp.Inverse):
            return self.inverse(self.read(e.arg), e.shape)
        if isinstance(e, sp.MatPow | sp.Pow) and e.exp.is_Integer and not e.base.is_commutative:
            base = self.read(e.base)
            if e.exp.is_negative:
                base = self.inverse(base, getattr(e, "shape", POINT))
            return _power(base, abs(int(e.exp)))
        if isinstance(e, sp.Expr) and e.is_commutative and not getattr(e, "is_Matrix", False):
            return _clean({(): self.scalar(e)})
        raise UnknownError(f"{e.func.__name__} is no sum of words")

    def letter(self, letter: Letter, shape: tuple[sp.Expr, sp.Expr]) -> Sum:
        self.shapes[letter] = shape
        return {(letter,): sp.S.One}

    def scalar(self, e: sp.Expr) -> sp.Expr:
        """A number, its traces, determinants and entries of 1 x 1 matrices by their words."""
        inner = e.atoms(sp.Trace, sp.Determinant, MatrixElement)
        outermost = [a for a in inner if not any(a != b and b.has(a) for b in inner)]
        value = sp.factor(e.xreplace({a: self.number(a) for a in outermost}))
        self.divisors |= {f.as_base_exp()[0] for f in sp.Mul.make_args(sp.denom(value))}
        return value

    def number(self, e: sp.Basic) -> sp.Expr:
        if isinstance(e, sp.Determinant):
            return self.determinant(e.arg)
        matrix = e.arg if isinstance(e, sp.Trace) else e.parent
        words = self.read(matrix)
        value = self.trace(words, matrix.shape[0])
        if tuple(matrix.shape) == (1, 1):  # its trace is its one entry
            self.add(_total([words, {(): -value}]))
        elif not isinstance(e, sp.Trace):
            raise UnknownError("an entry of a larger matrix")
        return value

    def inverse(self, words: Sum, shape: tuple[sp.Expr, sp.Expr]) -> Sum:
        """A letter for it, and its rules."""
        if set(words) == {()}:
            return {(): 1 / words[()]}
        letter = ("inverse", _key(words))
        known, one = letter in self.shapes, self.letter(letter, shape)
        if not known:
            self.inverted[letter] = words
            for pair in ((words, one), (one, words)):
                self.add(_total([_product(*pair), {(): -sp.S.One}]))
        return one

    def transposed(self, words: Sum) -> Sum:
        found: list[Sum] = []
        for word, share in words.items():
            turned: Sum = {(): share}
            for letter in reversed(word):
                turned = _product(turned, self._transposed(letter))
            found.append(turned)
        return _total(found)

    def _transposed(self, letter: Letter) -> Sum:
        rows, columns = self.shapes[letter]
        if letter[0] == "inverse":
            return self.inverse(self.transposed(self.inverted[letter]), (columns, rows))
        if letter[0] == "operator":
            raise UnknownError("the transpose of an operator")
        return self.letter(("symbol", letter[1], not letter[2]), (columns, rows))

    # --- traces and determinants ---

    def trace(self, words: Sum, size: sp.Expr) -> sp.Expr:
        """Of each word one symbol for all that it is cyclically, turned over or not, as far as the rules see."""
        total, left = sp.S.Zero, [(word, share, size) for word, share in words.items()]
        for _ in range(MOST_TURNS):
            if not left:
                return total
            word, share, n = left.pop()
            if not word:
                total += share * n
                continue
            turned = next((t for t in _turns(word) if self._step(t) is not None), None)
            if turned is None:
                total += share * self._named("tr", word)
            else:
                rows = self.shapes[turned[0]][0]
                left += [(w, share * c, rows) for w, c in self.reduced({turned: sp.S.One}).items()]
        raise UnknownError("a trace that its rules do not finish")

    def traces(self) -> Iterator[sp.Expr]:
        """What is 0 because a trace is cyclic: of each rule the trace, by every turn of its leading word."""
        for lead, rest in list(self.rules.items()):
            rows, columns = self.shapes[lead[0]][0], self.shapes[lead[-1]][1]
            if rows == columns:
                value = self.trace(rest, rows)
                for turn in _turns(lead):
                    yield self.trace(self.reduced({turn: sp.S.One}), self.shapes[turn[0]][0]) - value

    def _named(self, kind: str, word: Word) -> sp.Expr:
        back = self.transposed({word: sp.S.One})
        both = [*_turns(word), *(t for w in back for t in _turns(w))]
        return sp.Symbol(f"{kind} {min(map(str, both))}", complex=True)

    def determinant(self, e: sp.MatrixExpr) -> sp.Expr:
        """By factors, and of 1 + X Y by the cyclic order of what is added to 1."""
        n = e.shape[0]
        if isinstance(e, sp.Transpose):
            return self.determinant(e.arg)
        if isinstance(e, sp.Inverse):
            return 1 / self.determinant(e.arg)
        if isinstance(e, sp.MatPow) and e.exp.is_Integer:
            return self.determinant(e.base) ** e.exp
        if isinstance(e, sp.MatMul):
            factors = [f for f in e.args if getattr(f, "is_Matrix", False)]
            if all(f.shape[0] == f.shape[1] for f in factors):
                scale = sp.Mul(*(self.scalar(f) for f in e.args if f not in factors))
                return sp.Mul(scale**n, *map(self.determinant, factors))
        return self._of_sum(self.reduced(self.read(e)), n)

    def _of_sum(self, words: Sum, n: sp.Expr) -> sp.Expr:
        if set(words) == {()}:
            return words[()] ** n
        if n == 1:
            return self.trace(words, n)
        if () not in words:
            return self._by_an_inverse(words, n) or sp.Symbol(f"det {_key(words)}", complex=True)
        forms = {_key(words): (words, n)}
        if words[()].is_nonzero:
            for form, _ in (found := [(words, n)]):
                for turned in self._turned(form):
                    if _key(turned[0]) not in forms and turned[1] is not None:
                        forms[_key(turned[0])] = turned
                        found.append(turned)
                        if turned[1] == 1:
                            return words[()] ** (n - 1) * self.trace(turned[0], sp.S.One)
        key = min(forms)
        return words[()] ** (n - forms[key][1]) * sp.Symbol(f"det {key}", complex=True)

    def _by_an_inverse(self, words: Sum, n: sp.Expr) -> sp.Expr | None:
        """det(A + q) = det A det(1 + J q), where A has an inverse J."""
        for word in words:
            letter = ("inverse", _key({word: sp.S.One}))
            if len(word) == 1 and letter in self.shapes:
                whole = sp.Symbol(f"det {_key({word: sp.S.One})}", complex=True)
                return whole * self._of_sum(self.reduced(_product({(letter,): sp.S.One}, words)), n)
        return None

    def _turned(self, words: Sum) -> Iterator[tuple[Sum, sp.Expr]]:
        """c + q A of c + A q, and the other way; and its size."""
        rest = {word: share for word, share in words.items() if word}
        for end in (0, -1):
            letters = {word[end] for word in rest}
            if len(letters) == 1:
                letter = next(iter(letters))
                turned = {(*w[1:], letter) if end == 0 else (letter, *w[:-1]): c for w, c in rest.items()}
                size = self.shapes[letter][1 if end == 0 else 0]
                yield self.reduced(turned | {(): words[()]}), size

    # --- rules ---

    def add(self, words: Sum) -> bool:
        """Take it for 0. Whether that gives a rule, as where its leading word has a coefficient that is not 0."""
        words = self.reduced(words)
        if not words:
            return False
        lead = max(words, key=_order)
        if not lead or not self._is_nonzero(words[lead]):
            return False
        self.rules[lead] = {w: sp.cancel(-c / words[lead]) for w, c in words.items() if w != lead}
        for other in [r for r in self.rules if r != lead and _place(lead, r) is not None]:
            rest = self.rules.pop(other)
            self.add(_total([{other: sp.S.One}, _scaled(rest, -sp.S.One)]))
        return True

    def _is_nonzero(self, share: sp.Expr) -> bool:
        """A number, or made of what the line divides by."""
        bases = (f.as_base_exp()[0] for f in sp.Mul.make_args(sp.factor(share)))
        return all(base.is_nonzero or base in self.divisors for base in bases)

    def reduced(self, words: Sum) -> Sum:
        """Without a leading word of a rule in any of them."""
        left, done = dict(words), {}
        while left:
            word = max(left, key=_order)
            share = left.pop(word)
            step = self._step(word)
            if step is None:
                done[word] = share
            else:
                left = _total([left, _scaled(step, share)])
        return _clean(done)

    def _step(self, word: Word) -> Sum | None:
        for lead, rest in self.rules.items():
            if (k := _place(lead, word)) is not None:
                return {(*word[:k], *w, *word[k + len(lead) :]): c for w, c in rest.items()}
        return None

    def completed(self) -> Iterator[None]:
        """One round after another of what overlapping rules say."""
        for _ in range(ROUNDS):
            news = False
            for one, other in itertools.product(list(self.rules), repeat=2):
                if one not in self.rules or other not in self.rules:
                    continue
                for k in range(1, min(len(one), len(other))):
                    if one[-k:] == other[:k] and len(one) + len(other) - k <= LONGEST:
                        ahead = {(*w, *other[k:]): c for w, c in self.rules[one].items()}
                        behind = {(*one[:-k], *w): -c for w, c in self.rules[other].items()}
                        news |= self.add(_total([ahead, behind]))
                    if one not in self.rules or other not in self.rules or len(self.rules) > MOST_RULES:
                        break
            yield
            if not news or len(self.rules) > MOST_RULES:
                return


def vanishes(difference: sp.Basic) -> bool:
    """Whether a difference of matrices, of their traces or determinants, or of operators, is 0 wherever it is defined."""
    algebra = _Algebra()
    try:
        return any(_is_zero(algebra, difference) for _ in _rounds(algebra, difference))
    except UnknownError:
        return False


def _rounds(algebra: _Algebra, difference: sp.Basic) -> Iterator[None]:
    """As the letters are read, and after each round of completion."""
    algebra.read(difference)
    yield
    yield from algebra.completed()


def _is_zero(algebra: _Algebra, difference: sp.Basic) -> bool:
    words = algebra.reduced(algebra.read(difference))
    if set(words) != {()}:
        return not words
    value, zeros = words[()], [sp.expand(zero) for zero in algebra.traces()]
    while zeros:  # one unknown after another in terms of the rest
        zero = zeros.pop()
        unknown = next((s for s in sorted(zero.free_symbols, key=str) if _is_solvable(zero, s)), None)
        if unknown is not None:
            solved = sp.cancel(unknown - zero / zero.coeff(unknown))
            value, *zeros = (sp.expand(e.subs(unknown, solved)) for e in (value, *zeros))
    return bool(sp.cancel(sp.together(value)) == 0)


def _is_solvable(zero: sp.Expr, s: sp.Symbol) -> bool:
    return (
        s.name.startswith("tr ")
        and zero.coeff(s).is_nonzero is True
        and sp.expand(zero - s * zero.coeff(s)).has(s) is False
    )


def _place(lead: Word, word: Word) -> int | None:
    """Where the one is part of the other."""
    n = len(lead)
    return next((k for k in range(len(word) - n + 1) if word[k : k + n] == lead), None)


def _turns(word: Word) -> list[Word]:
    return [word[k:] + word[:k] for k in range(len(word))]


def _order(word: Word) -> tuple[int, tuple[str, ...]]:
    return len(word), tuple(map(str, word))


def _key(words: Sum) -> str:
    return str(sorted((str(w), str(sp.factor(c))) for w, c in words.items()))


def _total(sums: Iterable[Mapping[Word, sp.Expr]]) -> Sum:
    total: Sum = {}
    for words in sums:
        for word, share in words.items():
            total[word] = total.get(word, sp.S.Zero) + share
    return _clean(total)


def _clean(words: Mapping[Word, sp.Expr]) -> Sum:
    shares = {word: share if share.is_Rational else sp.cancel(sp.together(share)) for word, share in words.items()}
    return {word: share for word, share in shares.items() if share != 0}


def _scaled(words: Mapping[Word, sp.Expr], share: sp.Expr) -> Sum:
    return {word: share * c for word, c in words.items()}


def _product(one: Sum, other: Sum) -> Sum:
    return _total({(*a, *b): c * d} for (a, c), (b, d) in itertools.product(one.items(), other.items()))


def _power(words: Sum, n: int) -> Sum:
    product: Sum = {(): sp.S.One}
    for _ in range(n):
        product = _product(product, words)
    return product
