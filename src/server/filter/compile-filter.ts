import { RE2JS } from 're2js'
import { type Expression, FilterError, type Operator } from './expression.ts'
import { parseFilter } from './parse-filter.ts'

/** What a selector may name: its type, and how it is read. */
export type Field<Row> =
  | { readonly type: 'string'; readonly read: (row: Row) => string }
  | { readonly type: 'integer'; readonly read: (row: Row) => number | bigint }
  | { readonly type: 'boolean'; readonly read: (row: Row) => boolean }
  /** Its keys are selectors of their own, as strings. */
  | { readonly type: 'map'; readonly read: (row: Row) => Readonly<Record<string, unknown>> }

/** The only fields that a filter can see. */
export type Fields<Row> = ReadonlyMap<string, Field<Row>>

export type Predicate<Row> = (row: Row) => boolean

/**
 * A filter as a function. Everything that can be wrong with it is found here, before the first row.
 * A map's key that a row does not have equals nothing, and is empty.
 * @throws FilterError
 */
export function compileFilter<Row>(text: string, fields: Fields<Row>): Predicate<Row> {
  const compile = (expression: Expression): Predicate<Row> => {
    if (expression.type === 'match') return compileMatch(expression, fields)
    if (expression.type === 'not') {
      const operand = compile(expression.operand)
      return (row) => !operand(row)
    }
    const left = compile(expression.left)
    const right = compile(expression.right)
    return expression.type === 'and' ? (row) => left(row) && right(row) : (row) => left(row) || right(row)
  }
  return compile(parseFilter(text))
}

function compileMatch<Row>(
  { selector, operator, value = '' }: Extract<Expression, { type: 'match' }>,
  fields: Fields<Row>,
): Predicate<Row> {
  const [name = '', ...keys] = selector
  const path = selector.join('.')
  // Names of fields with a dot in them come first: `MountOptions.FSType`.
  const whole = fields.get(path)
  const field = whole ?? fields.get(name)
  if (field === undefined) {
    throw new FilterError(`unknown selector "${path}"; one of ${[...fields.keys()].join(', ')}`)
  }
  const unsupported = () =>
    new FilterError(`"${path}" is of type ${field.type}, which ${describe[operator]} does not take`)
  if (field.type === 'map') {
    const key = whole === undefined ? keys.join('.') : ''
    if (key === '') {
      if (operator === 'empty') return (row) => Object.keys(field.read(row)).length === 0
      if (operator === 'in') return (row) => Object.hasOwn(field.read(row), value)
      throw unsupported()
    }
    return compileText(operator, value, (row) => {
      const map = field.read(row)
      const item = Object.hasOwn(map, key) ? map[key] : undefined
      return typeof item === 'string' ? item : undefined
    })
  }
  if (whole === undefined && keys.length > 0)
    throw new FilterError(`"${name}" has no field "${keys.join('.')}"`)
  if (field.type === 'string') return compileText(operator, value, field.read)
  if (operator !== 'equal') throw unsupported()
  if (field.type === 'integer') {
    if (!/^[+-]?\d{1,20}$/.test(value)) throw new FilterError(`"${value}" is not an integer, as "${path}" is`)
    const wanted = BigInt(value)
    return (row) => BigInt(field.read(row)) === wanted
  }
  if (value !== 'true' && value !== 'false')
    throw new FilterError(`"${path}" is true or false, not "${value}"`)
  return (row) => field.read(row) === (value === 'true')
}

const describe: Readonly<Record<Operator, string>> = {
  equal: 'a comparison',
  in: '"in" or "contains"',
  matches: '"matches"',
  empty: '"is empty"',
}

function compileText<Row>(
  operator: Operator,
  value: string,
  read: (row: Row) => string | undefined,
): Predicate<Row> {
  switch (operator) {
    case 'equal':
      return (row) => read(row) === value
    case 'in':
      return (row) => read(row)?.includes(value) ?? false
    case 'empty':
      return (row) => !read(row)
    case 'matches': {
      const pattern = compilePattern(value)
      return (row) => {
        const text = read(row)
        return text !== undefined && pattern.matcher(text).find()
      }
    }
  }
}

/** RE2 runs in time linear in the text, so that no pattern can hold up the server. */
function compilePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch {
    // Its text says nothing more that the person who wrote the pattern does not see.
    throw new FilterError(`"${pattern}" is not a regular expression of RE2`)
  }
}
