import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { connectAdmin } from '../../../src/operator/admin/admin-client.ts'
import type { ManagedObject } from '../../../src/operator/admin/managed-object.ts'
import { operatorDirectory } from '../../../src/operator/operator-directory.ts'
import { volumeYAML } from '../../helpers/declarations-yaml.ts'
import { type LogLine, type MooringProcess, watchProcess } from '../../helpers/mooring-process.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { pluginID } from '../real-agent.ts'
import { eventually } from './cluster.ts'

/** `mooring run` on a folder of its own. It outlives the test that starts it. */
export interface Operator extends MooringProcess {
  write(file: string, text: string): void
  remove(file: string): void
  /**
   * Declares nothing of before any more, and writes to a folder of this name from now on: what stands in the
   * place of another declaration would be taken for a change of it.
   */
  turnTo(name: string): void
  /** Its latest status of the identity, once it is that. */
  status(key: string, state: string, reason?: string): Promise<LogLine>
  /** All that it knows of the identity. */
  known(key: string): Promise<ManagedObject['status'] | undefined>
  /** A command that asks it. @returns its standard output; rejects with what it complained */
  ask(...parameters: string[]): Promise<string>
  stop(): Promise<void>
}

export async function startOperator(directory: string, address: string): Promise<Operator> {
  const source = join(directory, 'declarations')
  let folder = join(source, 'first')
  const dataDirectory = join(directory, 'data')
  mkdirSync(folder, { recursive: true })
  const parameters = [
    ...['src/main.ts', 'run', '--source', source, '--data-dir', dataDirectory, '--nomad-addr', address],
    ...['--prune', '--prune-delay', '500ms', '--max-prune', '5', '--allow-empty'],
    ...['--rescan', '2s', '--resync', '10s'],
  ]
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'pipe'] })
  const mooring = watchProcess(child)
  await mooring.logged(({ msg }) => msg === 'mooring runs', 'it runs')
  const admin = await connectAdmin(operatorDirectory(dataDirectory))
  return {
    ...mooring,
    write: (file, text) => writeFileSync(join(folder, file), text),
    remove: (file) => rmSync(join(folder, file)),
    turnTo(name) {
      rmSync(folder, { recursive: true, force: true })
      folder = join(source, name)
      mkdirSync(folder)
    },
    status: (key, state, reason) =>
      eventually(() => {
        const line = mooring.log.findLast((each) => each.msg === 'status' && each.key === key)
        expect(line, `the status of ${key}`).toMatchObject({ state, ...(reason && { reason }) })
        return line as LogLine
      }),
    known: async (key) => (await admin?.objects())?.find(({ status }) => status.key === key)?.status,
    async ask(...asked) {
      const { status, stdout, stderr } = await runMooring([...asked, '--data-dir', dataDirectory])
      if (status !== 0) throw new Error(`mooring ${asked.join(' ')}: ${stderr}${stdout}`)
      return stdout
    },
    async stop() {
      await admin?.close()
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'close')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** A volume of the plugin as a person writes it. */
export const declared = (name: string, fields: Readonly<Record<string, string>> = {}) =>
  volumeYAML(name, { pluginID, capacity: '{min: 1Mi}', ...fields }).replace('  pluginID: directories\n', '')

export function scheduleYAML(name: string, volume: string, schedule: string, keepLast: number): string {
  return `apiVersion: mooring.dev/v1alpha1
kind: SnapshotSchedule
metadata: {name: ${name}}
spec: {schedule: "${schedule}", volumes: {names: [${volume}]}, retention: {keepLast: ${keepLast}}}
`
}
