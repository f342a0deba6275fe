import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { startUp, workplace } from '../helpers/start-up.ts'

const key = 'Volume/default/data'

/** Starts `mooring up` over a folder in which the volume is declared, ended and declared again. */
async function lives(fields: Readonly<Record<string, string>>) {
  const { folder, dataDirectory, write, remove } = workplace()
  // A folder that declares nothing any more ends nothing.
  write('stays.yaml', volumeYAML('stays'))
  const mooring = await startUp(folder, dataDirectory)
  const volumes = join(dataDirectory, 'pool', 'volumes')
  const ends = () => mooring.log.filter((line) => line.msg === 'no longer managed' && line.key === key).length
  return {
    mooring,
    snapshots: () => filesIn(join(dataDirectory, 'pool', 'snapshots')),
    /** Declares the volume. @returns the directory that it is */
    async begin() {
      const ended = ends()
      write('data.yaml', volumeYAML('data', fields))
      await mooring.logged(() => {
        const last = mooring.log.findLast((line) => line.key === key && line.msg === 'status')
        return ends() === ended && last?.state === 'ready'
      }, 'the volume is ready')
      const { ExternalID = '' } = (await mooring.read('data')) ?? {}
      return join(volumes, ExternalID)
    },
    async end() {
      const ended = ends()
      remove('data.yaml')
      await mooring.logged(() => ends() > ended, 'the volume has ended')
    },
  }
}

/** The contents of all files named `note` beneath the folder. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/note') || path === 'note')
    .map((path) => readFileSync(join(folder, path), 'utf8'))
    .sort()
}

it('the final snapshot of a second life holds the data of the second life', async () => {
  const { mooring, begin, end, snapshots } = await lives({ deletionPolicy: 'Delete', finalSnapshot: 'true' })
  writeFileSync(join(await begin(), 'note'), 'first life')
  await end()
  writeFileSync(join(await begin(), 'note'), 'second life, precious')
  await end()
  expect(mooring.directories()).toHaveLength(1)
  expect(snapshots()).toEqual(['first life', 'second life, precious'])
  await mooring.stop()
})

it('a volume that was let go and is declared again is the same directory', async () => {
  const { mooring, begin, end } = await lives({ deletionPolicy: 'Deregister' })
  const directory = await begin()
  writeFileSync(join(directory, 'note'), 'a month of work')
  await end()
  expect(await begin()).toBe(directory)
  expect(readFileSync(join(directory, 'note'), 'utf8')).toBe('a month of work')
  expect(mooring.directories()).toHaveLength(2)
  await mooring.stop()
})
