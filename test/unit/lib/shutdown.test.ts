import { spawn } from 'node:child_process'
import { expect, it, onTestFinished, vi } from 'vitest'
import { watchProcess } from '../../helpers/mooring-process.ts'

const program = `
import { waitForShutdown } from './src/lib/shutdown.ts'
const shutdown = waitForShutdown({ monotonicMs: () => Date.now() })
setInterval(() => {}, 1_000_000) // Work that would never end by itself.
console.log('ready')
console.log(await shutdown)
`

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s asks to drain, and a later one ends the process at once',
  async (signal) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    const running = watchProcess(child)
    await running.printed(/^ready$/)
    running.signal(signal)
    await running.printed(new RegExp(`^${signal}$`))

    let status: number | NodeJS.Signals | undefined
    running.exited().then((exit) => {
      status = exit
    })
    // One that comes right after the first is npm passing on the same key press, so it is sent until it counts.
    await vi.waitFor(() => {
      running.signal(signal)
      expect(status).toBe(130)
    })
  },
)
