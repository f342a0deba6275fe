import { unquoteGo } from '../go-values.ts'
import { type BoundNames, type Expression, FilterError, type Operator, type Selector } from './expression.ts'

/** Parentheses, `not`, `any` and `all` nest no deeper: the parser calls itself for each. */
const deepestNesting = 100

/** The operators of go-bexpr, in the order in which its grammar tries them. */
const valueOperators: readonly (readonly [pattern: RegExp, operator: Operator, negated: boolean])[] = [
  [/[ \t\r\n]*==[ \t\r\n]*/y, 'equal', false],
  [/[ \t\r\n]*!=[ \t\r\n]*/y, 'equal', true],
  [/[ \t\r\n]+contains[ \t\r\n]+/y, 'in', false],
  [/[ \t\r\n]+not[ \t\r\n]+contains[ \t\r\n]+/y, 'in', true],
  [/[ \t\r\n]+matches[ \t\r\n]+/y, 'matches', false],
  [/[ \t\r\n]+not[ \t\r\n]+matches[ \t\r\n]+/y, 'matches', true],
]
const plainOperators: typeof valueOperators = [
  [/[ \t\r\n]+is[ \t\r\n]+empty/y, 'empty', false],
  [/[ \t\r\n]+is[ \t\r\n]+not[ \t\r\n]+empty/y, 'empty', true],
  [/[ \t\r\n]+is[ \t\r\n]+nil/y, 'nil', false],
  [/[ \t\r\n]+is[ \t\r\n]+not[ \t\r\n]+nil/y, 'nil', true],
]
const inOperators: typeof valueOperators = [
  [/[ \t\r\n]+in[ \t\r\n]+/y, 'in', false],
  [/[ \t\r\n]+not[ \t\r\n]+in[ \t\r\n]+/y, 'in', true],
]

const optionalSpace = /[ \t\r\n]*/y
const identifier = /[a-zA-Z][a-zA-Z0-9_/]*/y
const pointer = /"((?:\/[\p{L}\p{N}\-_.~:|]+)*)"/uy
const doubleQuoted = /"([^"]*)"/y
const backQuoted = /`([^`]*)`/y
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?=[ \t\r\n)]|$)/y
const wantedMatch = 'a comparison such as ID == "x"'

/**
 * Parses a filter by the grammar of go-bexpr (grammar.peg of hashicorp/go-bexpr): `and`, `or`, `not`, parentheses,
 * `any` and `all`, and the comparisons `==`, `!=`, `in`, `contains`, `matches`, `is empty` and `is nil` with their
 * negations. Selectors are `A.b`, `A["b"]` or `"/A/b"`. Values are quoted by `"` or `` ` ``, numbers, or bare words.
 * What go-bexpr refuses is refused. One difference: a quoted value keeps a leading slash, which go-bexpr drops.
 * @throws FilterError that names the column
 */
export function parseFilter(text: string): Expression {
  let at = 0
  let depth = 0
  /** The furthest place where something else was wanted: that is where the fault is. */
  let fault = { at: 0, wanted: wantedMatch }

  const fail = (wanted: string): undefined => {
    if (at >= fault.at) fault = { at, wanted }
    return undefined
  }
  const refuse = (message: string, place = at): never => {
    throw new FilterError(`at column ${place + 1}: ${message}`)
  }
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) return undefined
    at = pattern.lastIndex
    return match
  }
  /** Runs a parser; where it finds nothing, goes back to where it began. */
  const attempt = <Result>(parse: () => Result | undefined): Result | undefined => {
    const start = at
    const result = parse()
    if (result === undefined) at = start
    return result
  }
  const nested = <Result>(parse: () => Result): Result => {
    if (++depth > deepestNesting) throw new FilterError(`nested deeper than ${deepestNesting} levels`)
    const result = parse()
    depth--
    return result
  }
  const take1 = (pattern: RegExp) => take(pattern)?.[1]

  const parseOr = (): Expression | undefined => {
    const operands: Expression[] = []
    for (;;) {
      const operand = attempt(parseAnd) ?? attempt(parseCollection)
      if (operand === undefined) break
      operands.push(operand)
      // A collection ends the expression: it is joined to nothing that follows.
      if (operand.type === 'any' || operand.type === 'all') break
      if (attempt(() => take(/[ \t\r\n]+or[ \t\r\n]+/y)) === undefined) break
    }
    return join('or', operands)
  }
  const parseAnd = (): Expression | undefined => {
    const operands: Expression[] = []
    do {
      const operand = attempt(parseNot)
      if (operand === undefined) return undefined
      operands.push(operand)
    } while (attempt(() => take(/[ \t\r\n]+and[ \t\r\n]+/y)) !== undefined)
    return join('and', operands)
  }
  const parseNot = (): Expression | undefined => {
    const operand = attempt(() => (take(/not[ \t\r\n]+/y) === undefined ? undefined : nested(parseNot)))
    return operand === undefined ? parseGroup() : { type: 'not', operand }
  }
  const parseGroup = (): Expression | undefined => {
    if (take(/\([ \t\r\n]*/y) === undefined) return parseMatch()
    const inner = nested(parseOr)
    if (inner === undefined) return undefined
    return take(/[ \t\r\n]*\)/y) === undefined ? fail('")"') : inner
  }
  const parseCollection = (): Expression | undefined => {
    const [, type] = take(/(any|all)[ \t\r\n]+/y) ?? []
    if (type !== 'any' && type !== 'all') return undefined
    const selector = parseSelector()
    if (selector === undefined) return fail('a list or a map')
    if (take(/[ \t\r\n]+as[ \t\r\n]+/y) === undefined) return fail('"as" and a name')
    const names = parseNames()
    if (names === undefined) return fail('a name')
    if (take(/[ \t\r\n]*\{[ \t\r\n]*/y) === undefined) return fail('"{"')
    const inner = nested(parseOr)
    if (inner === undefined) return undefined
    if (take(/[ \t\r\n]*\}/y) === undefined) return fail('"}"')
    return { type, selector, names, inner }
  }
  const parseNames = (): BoundNames | undefined => {
    const [, first, second] =
      take(/([a-zA-Z][a-zA-Z0-9_/]*|_)[ \t\r\n]*,[ \t\r\n]*([a-zA-Z][a-zA-Z0-9_/]*|_)/y) ?? []
    if (first === undefined || second === undefined) {
      const [only] = take(identifier) ?? []
      return only === undefined ? undefined : { default: only }
    }
    if (first === second) return refuse('the key and the value have the same name')
    return { ...(first !== '_' && { key: first }), ...(second !== '_' && { value: second }) }
  }

  const operatorAt = (operators: typeof valueOperators) => {
    for (const [pattern, operator, negated] of operators) {
      if (take(pattern) !== undefined) return { operator, negated }
    }
    return undefined
  }
  const parseMatch = (): Expression | undefined =>
    attempt(() => {
      const selector = parseSelector()
      const found = selector && operatorAt(valueOperators)
      if (selector === undefined || found === undefined) return undefined
      const value = parseValue()
      if (value === undefined) return fail('a value')
      return negate(found.negated, { type: 'match', selector, operator: found.operator, value })
    }) ??
    attempt(() => {
      const selector = parseSelector()
      const found = selector && operatorAt(plainOperators)
      if (selector === undefined) return fail(wantedMatch)
      if (found === undefined) return fail('an operator such as ==')
      return negate(found.negated, { type: 'match', selector, operator: found.operator })
    }) ??
    attempt(() => {
      const value = parseValue()
      const found = value === undefined ? undefined : operatorAt(inOperators)
      if (value === undefined || found === undefined) return undefined
      const selector = parseSelector()
      if (selector === undefined) return fail('a selector')
      return negate(found.negated, { type: 'match', selector, operator: 'in', value })
    })

  const parseSelector = (): Selector | undefined => {
    const segments = take1(pointer)
    if (segments !== undefined) {
      return segments
        .split('/')
        .slice(1)
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    }
    const [first] = take(identifier) ?? []
    if (first === undefined) return undefined
    const path = [first]
    for (;;) {
      const part = take1(/\.([a-zA-Z][a-zA-Z0-9_/]*|[0-9]+)/y) ?? parseIndex()
      if (part === undefined) return path
      path.push(part)
    }
  }
  const parseIndex = (): string | undefined => {
    if (take(/\[[ \t\r\n]*/y) === undefined) return undefined
    const key = parseString()
    if (key === undefined) return refuse('the key in brackets has to be quoted')
    return take(/[ \t\r\n]*\]/y) === undefined ? refuse('want "]" after the key') : key
  }
  const parseString = (): string | undefined => {
    const start = at
    const raw = take1(backQuoted)
    // Go's raw strings hold no carriage returns.
    if (raw !== undefined) return raw.replaceAll('\r', '')
    const quoted = take1(doubleQuoted)
    if (quoted === undefined) {
      return text[at] === '"' || text[at] === '`' ? refuse('the quoted text has no end') : undefined
    }
    return (
      unquoteGo(quoted) ??
      refuse('the quoted text has an escape or a line break that Go does not know', start)
    )
  }
  const parseValue = (): string | undefined => {
    const start = at
    if (text[at] === '"' || text[at] === '`') return parseString()
    const selector = parseSelector()
    if (selector !== undefined) return selector.join('.')
    const [digits] = take(number) ?? []
    if (digits !== undefined) return digits
    return /[-0-9]/.test(text[start] ?? '') ? refuse('this is no number; quote it if it is text') : undefined
  }

  take(optionalSpace)
  const expression = parseOr()
  take(optionalSpace)
  if (expression !== undefined && at === text.length) return expression
  if (expression !== undefined) fail('"and", "or" or the end')
  const found =
    fault.at >= text.length ? 'the end' : `"${text.slice(fault.at).match(/^\s*(\S{1,20})/)?.[1] ?? ''}"`
  throw new FilterError(`at column ${fault.at + 1}: want ${fault.wanted}, found ${found}`)
}

const negate = (negated: boolean, operand: Expression): Expression =>
  negated ? { type: 'not', operand } : operand

function join(type: 'and' | 'or', operands: readonly Expression[]): Expression | undefined {
  const [first, ...rest] = operands
  return rest.length === 0 ? first : { type, operands }
}
