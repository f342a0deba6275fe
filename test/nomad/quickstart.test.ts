import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { patienceMs, type RealAgent, startRealAgent, whySkipped } from './real-agent.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** The shell blocks of a page, without the comments at the ends of lines. */
const blocksOf = (page: string) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)

describe.skipIf(whySkipped !== '')(`docs/quickstart-nomad.md, word for word (skipped: ${whySkipped})`, () => {
  let agent: RealAgent
  const folder = mkdtempSync(join(tmpdir(), 'mooring-quickstart-'))
  const stop = new AbortController()
  /** What the page exports, from block to block. */
  let environment: NodeJS.ProcessEnv

  beforeAll(async () => {
    agent = await startRealAgent({ acl: true })
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    symlinkSync(realpathSync(process.env.NOMAD_BIN ?? ''), join(bin, 'nomad'))
    symlinkSync(join(root, 'manifests'), join(folder, 'manifests'))
    environment = { ...process.env, ...agent.environment, PATH: `${bin}:${process.env.PATH}` }
  }, 300_000)
  afterAll(async () => {
    stop.abort()
    await agent?.close()
    rmSync(folder, { recursive: true, force: true })
  }, 300_000)

  /** `npx mooring` is this checkout. The page's address of Nomad is the agent's. */
  function script(block: string): string {
    const here = `npx() { shift; '${process.execPath}' '${join(root, 'src/main.ts')}' "$@"; }`
    return `set -euo pipefail\n${here}\n${block.replace('http://127.0.0.1:4646', agent.address)}\nenv -0 >&3`
  }

  async function shell(block: string, expected = 0): Promise<string> {
    const child = spawn('bash', ['-c', script(block)], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    const texts = ['', '', '', '']
    for (const at of [1, 2, 3]) {
      child.stdio[at]?.on('data', (chunk) => {
        texts[at] += chunk
      })
    }
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code, `${block}\n${texts[1]}\n${texts[2]}`).toBe(expected)
    if (code !== 0) return texts[1] ?? ''
    environment = Object.fromEntries(
      (texts[3] ?? '')
        .split('\0')
        .flatMap((line) =>
          line.includes('=') ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]] : [],
        ),
    )
    return texts[1] ?? ''
  }

  it('ends as the page says', async () => {
    const [
      install = '',
      address = '',
      policy = '',
      imports = '',
      orphans = '',
      declare = '',
      start = '',
      look = '',
      nightly = '',
      play = '',
      ...rest
    ] = blocksOf('docs/quickstart-nomad.md')
    expect(rest).toEqual([])
    // What a test cannot do again: clone and install. `npx mooring` in a clone has a test of its own.
    expect(install).toContain('npm ci')
    for (const block of [address, policy, imports, orphans]) await shell(block)
    // There is something to do.
    expect(await shell(declare, 3)).toMatch(/Volume\/default\/first: create-volume/)
    spawn(
      'bash',
      [
        '-c',
        script(
          `exec ${start.replace('npx mooring', `'${process.execPath}' '${join(root, 'src/main.ts')}'`)}`,
        ),
      ],
      {
        cwd: folder,
        env: environment,
        stdio: 'ignore',
        signal: stop.signal,
        killSignal: 'SIGTERM',
      },
    ).on('error', () => {})
    const status = 'npx mooring status --data-dir ./mooring-data'
    const isReady = (row: RegExp) => () =>
      eventually(async () => expect(await shell(status)).toMatch(row), patienceMs)
    await isReady(/default\/first +hostpath +Ready/)()
    expect(await shell(look)).toMatch(/default\/first +hostpath +Ready/)
    await shell(nightly)
    await isReady(/Snapshot +default\/nightly:first:\S+ +hostpath +Ready/)()
    const before = await agent.volume('first')
    await shell(play)
    await eventually(async () => {
      const volume = await agent.volume('first')
      expect(volume).toMatchObject({ ExternalID: before?.ExternalID })
      expect(Number(volume?.Capacity)).toBeGreaterThanOrEqual(20 * 2 ** 20)
    }, patienceMs)
    const { stdout } = await run(
      'bash',
      ['-c', script('npx mooring describe volume first --data-dir ./mooring-data')],
      {
        cwd: folder,
        env: environment,
      },
    ).catch((error: { stdout: string }) => error)
    expect(stdout).toMatch(/register-volume/)
    expect(stdout).toMatch(/expand-volume/)
  }, 600_000)
})
