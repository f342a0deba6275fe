import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** The parameters of each call of a log, as they are written. */
function logCalls(text: string): string[] {
  return [...text.matchAll(/\blog\.(?:trace|debug|info|warn|error|fatal)\(/g)].map(({ index, 0: start }) => {
    const from = index + start.length
    return text.slice(from, from + lengthOfParameters(text.slice(from)))
  })
}

/** Up to the bracket that closes what was open at the start; brackets within texts count for nothing. */
function lengthOfParameters(text: string): number {
  let depth = 1
  for (const { index, 0: token } of text.matchAll(
    /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|[()[\]{}]/g,
  )) {
    if ('([{'.includes(token)) depth += 1
    if (')]}'.includes(token)) depth -= 1
    if (depth === 0) return index
  }
  throw new Error(`no end in: ${text.slice(0, 100)}`)
}

/** The message is the last parameter, and a text that stands there as it will be logged. */
const hasConstantMessage = (parameters: string) =>
  /(?:^|,\s*)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"),?\s*$/.test(parameters)

describe('log messages', () => {
  it('are constant, with what differs under keys', () => {
    const files = globSync('src/**/*.ts')
    const calls = files.flatMap((file) => logCalls(readFileSync(file, 'utf8')).map((call) => [file, call]))
    expect(calls.length).toBeGreaterThan(40)
    expect(calls.filter(([, call = '']) => !hasConstantMessage(call))).toEqual([])
  })

  it.each([
    ['a template', 'log.info({ key }, `volume`)', false],
    ['a sum', "log.info('volume ' + key)", false],
    ['a message with an apostrophe', `log.info({ key }, "a schedule's")`, true],
    ['keys alone', 'log.info({ key })', false],
    ['a message alone', "log.info('it is done (at last)')", true],
    ['a template among the keys', "log.warn({ url: `host` }, 'listens')", true],
  ])('%s is judged so', (_title, text, isConstant) => {
    expect(logCalls(text).map(hasConstantMessage)).toEqual([isConstant])
  })
})
