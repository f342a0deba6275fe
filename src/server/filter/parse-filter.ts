import { type Expression, FilterError } from './expression.ts'

interface Token {
  readonly type: 'word' | 'text' | 'symbol' | 'end'
  /** Of a text: without its quotes. */
  readonly text: string
  /** Counted from 1, in characters. */
  readonly column: number
}

/** Parentheses and `not` nest no deeper: the parser calls itself for each. */
const deepestNesting = 100

/**
 * Parses a filter: `and`, `or`, `not`, parentheses, and the matches `==`, `!=`, `in`, `not in`, `contains`,
 * `not contains`, `matches`, `not matches`, `is empty`, `is not empty` (go-bexpr, grammar.peg). Selectors are
 * `A.b` or `A["b"]`; values are quoted by `"` or `` ` ``, or bare words.
 * @throws FilterError
 */
export function parseFilter(text: string): Expression {
  const tokens = tokenize(text)
  let at = 0
  let depth = 0

  const peek = (): Token => tokens[at] ?? { type: 'end', text: '', column: text.length + 1 }
  const next = (): Token => {
    const token = peek()
    at++
    return token
  }
  const takes = (type: Token['type'], ...texts: string[]): boolean => {
    const found = texts.every((wanted, offset) => {
      const token = tokens[at + offset]
      return token?.type === type && token.text === wanted
    })
    if (found) at += texts.length
    return found
  }
  const fail = (wanted: string, token = peek()): never => {
    const found = token.type === 'end' ? 'the end' : `"${token.text}"`
    throw new FilterError(`at column ${token.column}: want ${wanted}, found ${found}`)
  }
  const nested = <Result>(parse: () => Result): Result => {
    if (++depth > deepestNesting) throw new FilterError(`nested deeper than ${deepestNesting} levels`)
    const result = parse()
    depth--
    return result
  }

  const parseOr = (): Expression => {
    let left = parseAnd()
    while (takes('word', 'or')) left = { type: 'or', left, right: parseAnd() }
    return left
  }
  const parseAnd = (): Expression => {
    let left = parseNot()
    while (takes('word', 'and')) left = { type: 'and', left, right: parseNot() }
    return left
  }
  const parseNot = (): Expression => {
    if (takes('word', 'not')) return { type: 'not', operand: nested(parseNot) }
    if (!takes('symbol', '(')) return parseMatch()
    const inner = nested(parseOr)
    if (!takes('symbol', ')')) fail('")"')
    return inner
  }

  /** `value in selector` and `selector operator value` begin alike: the words after tell them apart. */
  const parseMatch = (): Expression => {
    const start = at
    const first = next()
    if (first.type === 'word' || first.type === 'text') {
      const negated = takes('word', 'not', 'in')
      if (negated || takes('word', 'in')) {
        return negate(negated, {
          type: 'match',
          selector: parseSelector(),
          operator: 'in',
          value: first.text,
        })
      }
    }
    at = start
    const selector = parseSelector()
    const match = (operator: 'equal' | 'in' | 'matches', negated: boolean): Expression =>
      negate(negated, { type: 'match', selector, operator, value: parseValue() })
    if (takes('symbol', '==')) return match('equal', false)
    if (takes('symbol', '!=')) return match('equal', true)
    if (takes('word', 'contains')) return match('in', false)
    if (takes('word', 'not', 'contains')) return match('in', true)
    if (takes('word', 'matches')) return match('matches', false)
    if (takes('word', 'not', 'matches')) return match('matches', true)
    if (takes('word', 'is', 'empty')) return { type: 'match', selector, operator: 'empty' }
    if (takes('word', 'is', 'not', 'empty'))
      return negate(true, { type: 'match', selector, operator: 'empty' })
    return fail('an operator')
  }
  const parseSelector = (): string[] => {
    const first = next()
    if (first.type !== 'word') fail('a selector', first)
    const parts = first.text.split('.')
    while (takes('symbol', '[')) {
      const key = next()
      if (key.type !== 'text') fail('a quoted key', key)
      if (!takes('symbol', ']')) fail('"]"')
      parts.push(key.text)
    }
    return parts
  }
  const parseValue = (): string => {
    const token = next()
    return token.type === 'word' || token.type === 'text' ? token.text : fail('a value', token)
  }

  const expression = parseOr()
  if (peek().type !== 'end') fail('"and", "or" or the end')
  return expression
}

const negate = (negated: boolean, operand: Expression): Expression =>
  negated ? { type: 'not', operand } : operand

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  const pattern = /\s+|(==|!=|[()[\]])|"((?:[^"\\]|\\.)*)"|`([^`]*)`|([^\s()[\]"`=!]+)/suy
  while (pattern.lastIndex < text.length) {
    const column = pattern.lastIndex + 1
    const match = pattern.exec(text)
    if (match === null) throw new FilterError(`at column ${column}: this is no part of a filter`)
    const [, symbol, quoted, raw, word] = match
    if (symbol !== undefined) tokens.push({ type: 'symbol', text: symbol, column })
    else if (quoted !== undefined) tokens.push({ type: 'text', text: unquote(quoted, column), column })
    else if (raw !== undefined) tokens.push({ type: 'text', text: raw, column })
    else if (word !== undefined) tokens.push({ type: 'word', text: word, column })
  }
  return tokens
}

/** Go's escapes are those of JSON for what a filter needs. */
function unquote(quoted: string, column: number): string {
  try {
    return JSON.parse(`"${quoted.replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`)
  } catch {
    // The only fault that JSON finds in a quoted text is an escape that it does not know.
    throw new FilterError(`at column ${column}: the quoted text has an escape that is not known`)
  }
}
