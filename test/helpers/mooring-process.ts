import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

/** One line of the process's log. */
export type LogLine = Readonly<Record<string, unknown>>

export interface MooringProcess {
  /** Log lines so far. */
  readonly log: readonly LogLine[]
  /** Lines of standard output so far. */
  readonly output: readonly string[]
  /** Lines of standard error so far that are no log. */
  readonly complaints: readonly string[]
  /** Resolves with the first log line, past or to come, that matches; rejects if the process ends before. */
  logged(matches: (line: LogLine) => boolean, what: string): Promise<LogLine>
  /** Resolves with the first line of standard output that matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  signal(signal: NodeJS.Signals): void
  /** Resolves with the exit status, or the signal that ended the process. */
  exited(): Promise<number | NodeJS.Signals>
}

/**
 * Starts `mooring` from the sources as a process of its own; it is killed when the test ends.
 * @param atEnd takes what kills it, where more than one test uses it
 */
export function startMooring(
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  atEnd: (kill: () => void) => void = onTestFinished,
): MooringProcess {
  const child = spawn(process.execPath, ['src/main.ts', ...parameters], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  atEnd(() => {
    child.kill('SIGKILL')
  })
  return watchProcess(child)
}

export function watchProcess(child: ChildProcess): MooringProcess {
  const log: LogLine[] = []
  const output: string[] = []
  const complaints: string[] = []
  const waiters = new Set<() => void>()
  const wake = () => {
    for (const waiter of waiters) waiter()
  }
  const ended = once(child, 'close').then(([code, signal]): number | NodeJS.Signals => code ?? signal)
  let hasEnded = false
  ended.then(() => {
    hasEnded = true
    wake()
  })
  if (child.stdout === null || child.stderr === null) throw new Error('the process needs pipes')
  createInterface({ input: child.stdout }).on('line', (line) => {
    output.push(line)
    wake()
  })
  createInterface({ input: child.stderr }).on('line', (line) => {
    const parsed = parseLine(line)
    if (parsed === undefined) complaints.push(line)
    else log.push(parsed)
    wake()
  })

  function first<T>(find: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find()
        if (found === undefined && !hasEnded) return
        waiters.delete(look)
        if (found !== undefined) return resolve(found)
        reject(new Error(`the process ended before ${what}:\n${[...output, ...complaints].join('\n')}`))
      }
      waiters.add(look)
      look()
    })
  }

  return {
    log,
    output,
    complaints,
    logged: (matches, what) => first(() => log.find(matches), what),
    printed: (pattern) =>
      first(() => {
        for (const line of [...output, ...complaints]) {
          const match = pattern.exec(line)
          if (match !== null) return match
        }
        return undefined
      }, String(pattern)),
    signal: (signal) => child.kill(signal),
    exited: () => ended,
  }
}

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    // Not a log line, then: something the runtime printed.
    return undefined
  }
}
