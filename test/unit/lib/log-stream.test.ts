import { describe, expect, it } from 'vitest'
import { createLog } from '../../../src/lib/log.ts'
import { formatLogLine, textLines } from '../../../src/lib/log-stream.ts'

describe('a log line for a person', () => {
  it.each([
    [
      '{"level":"info","time":"2026-11-29T09:30:12.500Z","key":"Volume/default/data","retry":true,"msg":"status"}\n',
      '09:30:12 INFO  status key=Volume/default/data retry=true\n',
    ],
    [
      '{"level":"warn","time":"2026-11-29T09:30:12.500Z","message":"is not there: create it","at":{"line":1},"msg":"a b"}\n',
      '09:30:12 WARN  a b message="is not there: create it" at={"line":1}\n',
    ],
    [
      '{"level":"info","time":"2026-11-29T09:30:12.500Z","line":"two\\nlines"}\n',
      '09:30:12 INFO   line="two\\nlines"\n',
    ],
    ['no JSON\n', 'no JSON\n'],
  ])('%s', (line, expected) => {
    expect(formatLogLine(line, false)).toBe(expected)
  })

  it('is coloured by its level', () => {
    const line = '{"level":"error","time":"2026-11-29T09:30:12.500Z","msg":"a"}'
    expect(formatLogLine(line, true)).toBe('09:30:12 \u001b[31mERROR\u001b[39m a\n')
  })

  it('comes out of what pino writes', () => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    createLog('info', textLines(stream, false)).info({ part: 'driver' }, 'listens')
    expect(lines).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d INFO {2}listens part=driver\n$/)])
  })
})
