import { execFile, execFileSync } from 'node:child_process'
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

/** Other histories at each commit, and the same ones again at the same commit: whoever saw one fail can look at it. */
function commitSeed(): string[] {
  try {
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' })
    return ['--seed', String(Number.parseInt(commit.slice(0, 7), 16))]
  } catch {
    // No Git repository: the simulator draws one.
    return []
  }
}

// Histories differ in length, and are lived through as fast as the machine allows: the number bounds them.
const timeoutMs = 600_000

describe('the simulator', { timeout: timeoutMs }, () => {
  it.each([
    ['of files, the same at each run', '150', ['--seed', '1']],
    ['of files, others at each commit', '150', commitSeed()],
    ['of Kubernetes objects, the same at each run', '25', ['--source', 'kubernetes', '--seed', '1']],
    ['of Kubernetes objects, others at each commit', '25', ['--source', 'kubernetes', ...commitSeed()]],
    ['of the server, the same at each run', '100', ['--far-side', 'server', '--seed', '1']],
    ['of the server, others at each commit', '100', ['--far-side', 'server', ...commitSeed()]],
  ])('finds nothing wrong in histories %s', async (_title, histories, parameters) => {
    const told = await simulate('--histories', histories, ...parameters)
    expect(told).toContain(`${histories} histories`)
    expect(told, told).toContain(' 0 wrong')
  })

  it.each([
    ['files', ['--source', 'files']],
    ['kubernetes', ['--source', 'kubernetes']],
    ['server', ['--far-side', 'server']],
  ])(
    'lives through the same history again, event by event, if the seed is the same: %s',
    async (_title, kind) => {
      const options = [...kind, '--seed', '7', '--story', '--workers', '1']
      const [once, again] = await Promise.all([1, 2].map(() => simulate('--histories', '3', ...options)))
      expect(once).toMatch(/trace \d+/)
      const tracesOf = (told = '') => told.match(/trace \d+/g)
      expect(tracesOf(again)).toEqual(tracesOf(once))
    },
  )
})
