"""Code: formulas as text, which is run only where it is arithmetic.

What is read from a file could say anything. Before it is run its syntax tree is checked: arithmetic of names, numbers and
calls of the functions listed here, and nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any

__all__ = ["check_expression", "check_function", "expression", "function"]

# where each is found; the same that sympy's lambdify takes
FUNCTIONS = {
    **dict.fromkeys(("cosh", "exp", "log", "sinh", "sqrt", "tanh"), "numpy"),
    **dict.fromkeys(("digamma", "erf", "erfc", "expm1", "gamma", "log1p", "loggamma", "polygamma"), "scipy.special"),
}
CONSTANTS = {"euler_gamma": "numpy", "pi": "numpy"}
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
SYMPY_FUNCTIONS = (
    "Add", "Mul", "Pow", "Integer", "Rational", "exp", "log", "cosh", "coth", "sinh", "tanh", "erf",
    "erfc", "gamma", "loggamma", "digamma", "polygamma",
)  # fmt: skip
SYMPY_CONSTANTS = ("pi", "E", "EulerGamma")


def function(source: str, **others: Callable[..., Any]) -> Callable[..., Any]:
    """The function that a source defines, with other functions of some names.

    Raises:
        ValueError: where it does more than arithmetic.
    """
    check_function(source)
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    known = {name: getattr(import_module(m), name) for name, m in (FUNCTIONS | CONSTANTS).items() if name in used}
    scope: dict[str, Any] = {**known, **others, "__builtins__": {}}
    exec(compile(source, "<formula>", "exec"), scope)
    return scope[ast.parse(source).body[0].name]  # type: ignore[attr-defined]


def expression(text: str) -> Any:
    """The sympy expression that its srepr describes.

    Raises:
        ValueError: where it is more than that.
    """
    import sympy as sp

    check_expression(text)
    names = {name: getattr(sp, name) for name in ("Symbol", *SYMPY_FUNCTIONS, *SYMPY_CONSTANTS)}
    return eval(text, {**names, "__builtins__": {}})


def check_function(source: str) -> None:
    """Refuse what is not one function of assignments, each of arithmetic.

    Raises:
        ValueError: that shows what is not allowed.
    """
    match ast.parse(source).body:
        case [ast.FunctionDef(args=arguments, body=[*lines, ast.Return(value=ast.expr() as last)], decorator_list=[])]:
            names = {a.arg for a in arguments.args}
            if ast.unparse(arguments) != ", ".join(a.arg for a in arguments.args):
                raise _refused(arguments)
        case _:
            raise ValueError(f"code must be one function that ends by returning a value, got {source!r}")
    for line in lines:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                _check_arithmetic(value, names)
                names.add(name)
            case _:
                raise _refused(line)
    _check_arithmetic(last, names)


def _check_arithmetic(node: ast.expr, names: Collection[str]) -> None:
    match node:
        case ast.Constant(value=int() | float()):
            return
        case ast.Name(id=name) if name in names or name in CONSTANTS:
            return
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, ARITHMETIC):
            parts = [left, right]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            parts = [operand]
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in FUNCTIONS and name not in names:
            pass
        case _:
            raise _refused(node)
    for part in parts:
        _check_arithmetic(part, names)


def check_expression(text: str) -> None:
    """Refuse what is not the srepr of an expression in symbols.

    Raises:
        ValueError: that shows what is not allowed.
    """
    _check_sympy(ast.parse(text, mode="eval").body)


def _check_sympy(node: ast.expr) -> None:
    match node:
        case ast.Constant(value=int()) | ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
            return
        case ast.Name(id=name) if name in SYMPY_CONSTANTS:
            return
        case ast.Call(func=ast.Name(id="Symbol"), args=[ast.Constant(value=str())], keywords=assumptions):
            if all(isinstance(a.value, ast.Constant) and a.value.value in (True, False) for a in assumptions):
                return
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in SYMPY_FUNCTIONS:
            for part in parts:
                _check_sympy(part)
            return
    raise _refused(node)


def _refused(node: ast.AST) -> ValueError:
    return ValueError(f"code may do arithmetic with {', '.join(FUNCTIONS)} alone, got {ast.unparse(node)}")
