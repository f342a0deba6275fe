import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import type { Volume, VolumeStub } from '../../src/wire/volume.ts'
import { type LogLine, startMooring } from './mooring-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** `mooring up` as a process of its own, on a folder and a data directory that the test fills. */
export async function startUp(
  folder: string,
  dataDirectory: string,
  flags: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
  atEnd?: (kill: () => void) => void,
) {
  const parameters = [
    ...['up', folder, '--data-dir', dataDirectory, '--http', '127.0.0.1:0', '--output', 'log'],
    ...['--prune', '--prune-delay', '200ms', '--max-prune', '3'],
    ...flags,
  ]
  const mooring = startMooring(parameters, environment, atEnd)
  const [, url = ''] = await mooring.printed(/^Volumes API\s+(http:\S+)\/v1\/volumes/)
  return {
    ...mooring,
    url,
    /** The identity's latest status, once it is in this state for this reason. */
    status: (key: string, state: string, reason?: string) =>
      vi.waitFor(
        () => {
          const line = mooring.log.findLast((each) => each.msg === 'status' && each.key === key)
          expect(line, `the status of ${key}`).toMatchObject({
            state,
            ...(reason === undefined ? {} : { reason }),
          })
          return line as LogLine
        },
        { timeout: 30_000 },
      ),
    /** Write requests that the server logged. */
    writes: () => mooring.log.filter((line) => line.part === 'server' && isWrite(line)),
    read: async (id: string, namespace = 'default') => {
      const response = await fetch(`${url}/v1/volume/csi/${id}?namespace=${namespace}`)
      return response.ok ? ((await response.json()) as Volume) : undefined
    },
    list: async () => (await (await fetch(`${url}/v1/volumes?type=csi&namespace=*`)).json()) as VolumeStub[],
    directories: () => namesIn(join(dataDirectory, 'pool', 'volumes')),
    async stop() {
      mooring.signal('SIGTERM')
      expect(await mooring.exited()).toBe(0)
    },
  }
}

/** What `ls` shows of a folder; the driver's own files beside the volumes are hidden. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()
}

function isWrite(line: LogLine): boolean {
  return line.msg === 'request' && line.method !== 'GET'
}

export function workplace() {
  const root = temporaryDirectory()
  const folder = join(root, 'declarations')
  const dataDirectory = join(root, 'data')
  mkdirSync(folder)
  return {
    folder,
    dataDirectory,
    write: (file: string, text: string) => writeFileSync(join(folder, file), text),
    remove: (file: string) => rmSync(join(folder, file)),
    rename: (from: string, to: string) => renameSync(join(folder, from), join(folder, to)),
  }
}
