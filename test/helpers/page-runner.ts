import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import { watchProcess } from './mooring-process.ts'
import { blocksOf, isAsPrinted, type PageBlock } from './page-blocks.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Commands that go on running until the page ends, and what each logs once it works. */
const daemons: readonly [RegExp, string][] = [
  [/^(?:npx )?mooring (?:up|run)\b/m, 'mooring runs'],
  [/^(?:npx )?mooring server(?! (?:backup|restore|rotate-key|token)\b)/m, 'server listens'],
  [/^(?:npx )?mooring driver\b/m, 'driver ready'],
]

/** Commands that may be given again until what they show is there. */
const onlyReads = ({ script }: PageBlock) =>
  commandsOf(script).every((line) =>
    /^(?:mooring (?:status|get|describe|explain|plan|orphans)|cat|ls|curl) /.test(line),
  )

const commandsOf = (script: string) =>
  script
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))

/** Runs the shell blocks of a page one after the other, in an empty folder, as a reader of the page does. */
export async function runPage(page: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-page-'))
  const home = join(folder, 'home')
  mkdirSync(home)
  const started: ChildProcess[] = []
  const ports = new Map<string, number>()
  let state = {
    cwd: join(folder, 'work'),
    env: { ...process.env, HOME: home, XDG_STATE_HOME: home } as NodeJS.ProcessEnv,
  }
  mkdirSync(state.cwd)

  /** The page's ports may be taken here, also those that stand in no block because they are defaults. */
  async function withFreePorts(text: string): Promise<string> {
    let result = text
    for (const [address, port = ''] of text.matchAll(/(?:127\.0\.0\.1|localhost):(\d+)/g)) {
      const free = ports.get(port) ?? (await freePort())
      ports.set(port, free)
      result = result.replaceAll(address, `127.0.0.1:${free}`)
    }
    return result
  }
  const start = (script: string, last: string) =>
    spawn(
      'bash',
      ['-c', `mooring() { '${process.execPath}' '${main}' "$@"; }\nnpx() { "$@"; }\n${script}\n${last}`],
      {
        ...state,
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        detached: true,
      },
    )

  async function runOnce({ script, prints, line }: PageBlock): Promise<void> {
    const child = start(`set -eo pipefail\nexec 2>&1\n${await withFreePorts(script)}`, 'pwd >&3; env -0 >&3')
    const [said = '', after = ''] = await Promise.all([1, 3].map((at) => textOf(child, at)))
    const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
    const place = `${page}:${line}\n${script}\n${said}`
    const endsWithPlan = /^mooring plan /.test(commandsOf(script).at(-1) ?? '')
    expect(code, place).toBe(endsWithPlan && code === 3 ? 3 : 0)
    if (prints !== undefined) {
      if (!isAsPrinted(said, await withFreePorts(prints))) expect(said, place).toBe(prints)
    }
    const [cwd = '', ...rest] = after.split('\n')
    if (code === 0) state = { cwd, env: variablesOf(rest.join('\n')) }
  }

  async function runBlock(block: PageBlock): Promise<void> {
    const [, works] = daemons.find(([pattern]) => pattern.test(block.script)) ?? []
    if (works !== undefined) {
      const child = start(await withFreePorts(block.script), '')
      started.push(child)
      await watchProcess(child).logged(({ msg }) => msg === works, `${page}:${block.line} works`)
    } else if (onlyReads(block)) await vi.waitFor(() => runOnce(block), { timeout: 60_000, interval: 500 })
    else await runOnce(block)
  }

  try {
    const address = await withFreePorts('127.0.0.1:4646')
    state.env.MOORING_HTTP = address
    state.env.NOMAD_ADDR = `http://${address}`
    for (const block of blocksOf(page)) await runBlock(block)
  } finally {
    for (const { pid } of started) if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    await Promise.all(started.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')))
    rmSync(folder, { recursive: true, force: true })
  }
}

async function textOf(child: ChildProcess, at: number): Promise<string> {
  let text = ''
  const stream = child.stdio[at]
  stream?.on('data', (chunk) => {
    text += chunk
  })
  if (stream != null) await once(stream, 'close')
  return text
}

function variablesOf(text: string): NodeJS.ProcessEnv {
  return Object.fromEntries(
    text.split('\0').flatMap((line) => {
      const equals = line.indexOf('=')
      // Functions of bash are not handed on: each block defines its own.
      return equals <= 0 || line.startsWith('BASH_FUNC')
        ? []
        : [[line.slice(0, equals), line.slice(equals + 1)]]
    }),
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
