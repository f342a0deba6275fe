import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const main = resolve('src/main.ts')

/**
 * Runs `mooring` from the sources to its end.
 * @param options.input its standard input
 * @param options.directory where it runs
 */
export async function runMooring(
  parameters: readonly string[],
  options: {
    readonly input?: string
    readonly environment?: NodeJS.ProcessEnv
    readonly directory?: string
  } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...parameters], {
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    env: { ...process.env, ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 30_000,
  })
  child.stdin.end(options.input ?? '')
  const status = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { status: await status, stdout, stderr }
}
