import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

type LogLine = Readonly<Record<string, unknown>>

export interface MooringProcess {
  /** The first log line, past or to come, with this message. */
  logged(message: string): Promise<LogLine>
  /** Called with each log line from now on. */
  onLine(listener: (line: LogLine) => void): () => void
  readonly pid: number
  rssBytes(): number
  signal(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** A mooring of its own, from the sources. @param nodeFlags for Node itself */
export function startMooring(
  parameters: readonly string[],
  nodeFlags: readonly string[] = [],
): MooringProcess {
  const child: ChildProcess = spawn(process.execPath, [...nodeFlags, main, ...parameters], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'close')
  const lines: LogLine[] = []
  const listeners = new Set<(line: LogLine) => void>()
  if (child.stderr === null) throw new Error('the process needs a pipe')
  createInterface({ input: child.stderr }).on('line', (text) => {
    if (!text.startsWith('{')) {
      process.stderr.write(`${text}\n`)
      return
    }
    const line: LogLine = JSON.parse(text)
    if (lines.length < 100) lines.push(line)
    for (const listener of [...listeners]) listener(line)
  })
  const onLine = (listener: (line: LogLine) => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  return {
    pid: child.pid ?? 0,
    onLine,
    logged: (message) =>
      new Promise((resolve, reject) => {
        const past = lines.find(({ msg }) => msg === message)
        if (past !== undefined) return resolve(past)
        ended.then(() => reject(new Error(`the process ended before "${message}"`)))
        const stop = onLine((line) => {
          if (line.msg !== message) return
          stop()
          resolve(line)
        })
      }),
    rssBytes() {
      const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      return Number(kilobytes) * 1024
    },
    signal: (signal) => child.kill(signal),
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
