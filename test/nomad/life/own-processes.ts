import { readdirSync, readFileSync } from 'node:fs'
import { vi } from 'vitest'
import { unmountBeneath } from '../real-agent.ts'

/** The processes whose command line names the text, which is of this suite's own: a path beneath its directory. */
export function processesNaming(text: string): number[] {
  return processes()
    .filter(({ pid, commandLine }) => pid !== process.pid && commandLine.includes(text))
    .map(({ pid }) => pid)
}

/** SIGSTOP; resolves when every thread stands still. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await vi.waitFor(() => {
    const states = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
      return stat.charAt(stat.lastIndexOf(')') + 2)
    })
    if (states.some((state) => state !== 'T')) throw new Error(`process ${pid} does not stop: ${states}`)
  })
}

/**
 * What agents leave behind: their executors, and the tasks beneath those; their readers of logs, which name the
 * directory as the agent's home alone; and what was mounted for them.
 */
export async function endAllBeneath(directory: string): Promise<void> {
  const all = processes()
  const atHome = all.filter(({ environment }) => environment.includes(`HOME=${directory}`))
  const doomed = new Set([...processesNaming(`${directory}/`), ...atHome.map(({ pid }) => pid)])
  for (let before = -1; before !== doomed.size; ) {
    before = doomed.size
    for (const { pid, parent } of all) if (doomed.has(parent)) doomed.add(pid)
  }
  for (const pid of doomed) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended meanwhile, with the one above it.
    }
  }
  await unmountBeneath(directory)
}

function processes(): { pid: number; parent: number; commandLine: string; environment: string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
        const commandLine = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0')
        return [{ pid: Number(name), parent, commandLine, environment }]
      } catch {
        // It ended while we looked.
        return []
      }
    })
}
