import { RE2JS } from 're2js'
import { parseGoBoolean, parseGoInteger } from '../go-values.ts'
import { type BoundNames, type Expression, FilterError, type Operator, type Selector } from './expression.ts'
import { parseFilter } from './parse-filter.ts'
import type { Shape } from './shape.ts'

/** What a selector may begin with: its shape, and how it is read. */
export interface Field<Row> {
  readonly shape: Shape
  read(row: Row): unknown
}

/** The only fields that a filter can see, by name. */
export type Fields<Row> = ReadonlyMap<string, Field<Row>>

export type Predicate<Row> = (row: Row) => boolean

/** Values of the names that `any` and `all` bind, by their depth. */
type Locals = readonly unknown[]
type Test<Row> = (row: Row, locals: Locals) => boolean
/** undefined: a key that a map does not have, a place that a list does not have, or something within a null. */
type Read<Row> = (row: Row, locals: Locals) => unknown

interface Source<Row> {
  readonly shape: Shape
  readonly read: Read<Row>
}
type Scope<Row> = ReadonlyMap<string, Source<Row>>

/**
 * A filter as a function, with the meaning that go-bexpr gives it. Everything that can be wrong with it is found
 * here, before the first row. What a row does not have equals nothing, contains nothing, and is empty and nil.
 * (go-bexpr refuses a place beyond the end of a list.)
 * @throws FilterError
 */
export function compileFilter<Row>(text: string, fields: Fields<Row>): Predicate<Row> {
  const test = compile<Row>(parseFilter(text), fields, 0)
  return (row) => test(row, [])
}

/** @param depth how many names are bound around the expression */
function compile<Row>(expression: Expression, scope: Scope<Row>, depth: number): Test<Row> {
  switch (expression.type) {
    case 'match':
      return compileMatch(expression, resolve(expression.selector, scope))
    case 'not': {
      const operand = compile(expression.operand, scope, depth)
      return (row, locals) => !operand(row, locals)
    }
    case 'and':
    case 'or': {
      const operands = expression.operands.map((operand) => compile(operand, scope, depth))
      return expression.type === 'and'
        ? (row, locals) => operands.every((test) => test(row, locals))
        : (row, locals) => operands.some((test) => test(row, locals))
    }
    case 'any':
    case 'all':
      return compileCollection(expression, scope, depth)
  }
}

function compileCollection<Row>(
  { type, selector, names, inner }: Extract<Expression, { type: 'any' | 'all' }>,
  scope: Scope<Row>,
  depth: number,
): Test<Row> {
  const { shape, read } = resolve(selector, scope)
  if (shape.type !== 'list' && shape.type !== 'map') {
    throw new FilterError(`"${selector.join('.')}" is of type ${shape.type}: "${type}" takes a list or a map`)
  }
  const bound = bindNames<Row>(names, shape, depth)
  const test = compile(inner, new Map([...scope, ...bound]), depth + 2)
  return (row, locals) => {
    const items = read(row, locals)
    if (items === undefined || items === null) return type === 'all'
    const entries = Array.isArray(items) ? [...items.entries()] : Object.entries(items)
    const passes = ([key, value]: readonly [unknown, unknown]) => test(row, [...locals, key, value])
    return type === 'any' ? entries.some(passes) : entries.every(passes)
  }
}

function bindNames<Row>(
  names: BoundNames,
  { type, of }: Extract<Shape, { type: 'list' | 'map' }>,
  depth: number,
): [string, Source<Row>][] {
  const key: Source<Row> = {
    shape: { type: type === 'map' ? 'string' : 'integer' },
    read: (_row, locals) => locals[depth],
  }
  const value: Source<Row> = { shape: of, read: (_row, locals) => locals[depth + 1] }
  return [
    ...(names.default === undefined
      ? []
      : [[names.default, type === 'map' ? key : value] as [string, Source<Row>]]),
    ...(names.key === undefined ? [] : [[names.key, key] as [string, Source<Row>]]),
    ...(names.value === undefined ? [] : [[names.value, value] as [string, Source<Row>]]),
  ]
}

/** What a selector means. @throws FilterError where it means nothing */
function resolve<Row>(selector: Selector, scope: Scope<Row>): Source<Row> {
  const [name = '', ...parts] = selector
  const path = selector.join('.')
  const root = scope.get(name)
  if (root === undefined) {
    throw new FilterError(`unknown selector "${path}"; one of ${[...scope.keys()].join(', ')}`)
  }
  let { shape, read }: Source<Row> = root
  for (const part of parts) {
    const outer = read
    if (shape.type === 'object' && Object.hasOwn(shape.fields, part)) {
      shape = shape.fields[part] ?? shape
    } else if (shape.type === 'map' || (shape.type === 'list' && /^\d+$/.test(part))) {
      shape = shape.of
    } else {
      const known = shape.type === 'object' ? `; one of ${Object.keys(shape.fields).join(', ')}` : ''
      throw new FilterError(
        `unknown selector "${path}": there is no "${part}" in a value of type ${shape.type}${known}`,
      )
    }
    read = (row, locals) => {
      const value = outer(row, locals)
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
      return (value as Readonly<Record<string, unknown>>)[part]
    }
  }
  return { shape, read }
}

const operatorNames: Readonly<Record<Operator, string>> = {
  equal: 'a comparison',
  in: '"in" or "contains"',
  matches: '"matches"',
  empty: '"is empty"',
  nil: '"is nil"',
}

function compileMatch<Row>(
  { selector, operator, value: text = '' }: Extract<Expression, { type: 'match' }>,
  { shape, read }: Source<Row>,
): Test<Row> {
  const path = selector.join('.')
  const unsupported = () =>
    new FilterError(`"${path}" is of type ${shape.type}, which ${operatorNames[operator]} does not take`)
  const present =
    (test: (value: unknown) => boolean): Test<Row> =>
    (row, locals) => {
      const value = read(row, locals)
      return value !== undefined && test(value)
    }
  switch (operator) {
    case 'equal':
      return present(compileEqual(shape, text, path) ?? raise(unsupported()))
    case 'in': {
      if (shape.type === 'string')
        return present((value) => typeof value === 'string' && value.includes(text))
      if (shape.type === 'map') return present((value) => Object.hasOwn(Object(value), text))
      const equals = shape.type === 'list' ? compileEqual(shape.of, text, path) : undefined
      if (equals === undefined) throw unsupported()
      return present((value) => Array.isArray(value) && value.some(equals))
    }
    case 'matches': {
      if (shape.type !== 'string') throw unsupported()
      const pattern = compilePattern(text)
      return present((value) => typeof value === 'string' && pattern.matcher(value).find())
    }
    case 'empty': {
      if (shape.type !== 'string' && shape.type !== 'map' && shape.type !== 'list') throw unsupported()
      return (row, locals) => {
        const value = read(row, locals)
        return !value || Object.keys(value).length === 0
      }
    }
    case 'nil': {
      if (shape.type !== 'object' && shape.type !== 'map' && shape.type !== 'list') throw unsupported()
      return (row, locals) => (read(row, locals) ?? null) === null
    }
  }
}

/** undefined: values of this shape are not compared. @throws FilterError where the text is no such value */
function compileEqual(shape: Shape, text: string, path: string): ((value: unknown) => boolean) | undefined {
  if (shape.type === 'string') return (value) => value === text
  if (shape.type === 'boolean') {
    const wanted = parseGoBoolean(text)
    if (wanted === undefined) throw new FilterError(`"${path}" is true or false, not "${text}"`)
    return (value) => value === wanted
  }
  if (shape.type !== 'integer') return undefined
  const wanted = parseGoInteger(text, shape.unsigned)
  if (wanted === undefined) throw new FilterError(`"${text}" is not an integer, as "${path}" is`)
  return (value) => (typeof value === 'number' || typeof value === 'bigint') && BigInt(value) === wanted
}

function raise(error: FilterError): never {
  throw error
}

/** RE2 takes time that grows with the text alone, so that no pattern can hold up the server. */
function compilePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch {
    // Its text says nothing more that the person who wrote the pattern does not see.
    throw new FilterError(`"${pattern}" is not a regular expression of RE2`)
  }
}
