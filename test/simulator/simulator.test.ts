import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const main = fileURLToPath(new URL('./main.ts', import.meta.url))

/** Its own process: a history has the clock and the timers of the whole process to itself. */
async function simulate(...parameters: string[]): Promise<string> {
  try {
    return (await run(process.execPath, [main, ...parameters], { maxBuffer: 2 ** 26 })).stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return `${stdout}\n${stderr}`
  }
}

// Histories differ in length, and are lived through as fast as the machine allows: the number bounds them.
const timeoutMs = 600_000

describe('the simulator', { timeout: timeoutMs }, () => {
  it.each([
    ['the same at each run', ['--seed', '1']],
    ['new ones at each run', []],
  ])('finds nothing wrong in histories that are %s', async (_title, seed) => {
    const told = await simulate('--histories', '150', ...seed)
    expect(told).toContain('150 histories')
    expect(told, told).toContain(' 0 wrong')
  })

  it('lives through the same history again, event by event, if the seed is the same', async () => {
    const [once, again] = await Promise.all(
      [1, 2].map(() => simulate('--histories', '3', '--seed', '7', '--story', '--workers', '1')),
    )
    expect(once).toMatch(/trace \d+/)
    const tracesOf = (told = '') => told.match(/trace \d+/g)
    expect(tracesOf(again)).toEqual(tracesOf(once))
  })
})
