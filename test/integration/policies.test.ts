import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { namesIn, startUp, workplace } from '../helpers/start-up.ts'

describe('policies, with mooring up', () => {
  it('driftPolicy Report says what somebody else changed, and leaves it', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', volumeYAML('data', { driftPolicy: 'Report' }))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/data', 'ready')

    await fetch(`${mooring.url}/v1/volume/csi/data`, { method: 'DELETE' })
    await mooring.status('Volume/default/data', 'stalled', 'Drifted')
    expect(await mooring.read('data')).toBeUndefined()

    write('data.yaml', volumeYAML('data', { driftPolicy: 'Correct' }))
    await mooring.status('Volume/default/data', 'ready')
    expect(await mooring.read('data')).toBeDefined()
    await mooring.stop()
  })

  it('finalSnapshot leaves a snapshot with what the volume held when it was deleted', async () => {
    const { folder, dataDirectory, write, remove } = workplace()
    const pool = join(dataDirectory, 'pool')
    write('stays.yaml', volumeYAML('stays'))
    write('data.yaml', volumeYAML('data', { deletionPolicy: 'Delete', finalSnapshot: 'true' }))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/stays', 'ready')
    await mooring.status('Volume/default/data', 'ready')
    const directory = (await mooring.read('data'))?.ExternalID ?? ''
    writeFileSync(join(pool, 'volumes', directory, 'precious'), 'data')

    remove('data.yaml')
    const ended = await mooring.logged(
      (line) => line.msg === 'no longer managed' && line.key === 'Volume/default/data',
      'the volume ends',
    )
    expect(ended.reason).toBe('Deleted')
    expect(mooring.directories()).not.toContain(directory)
    const [final = ''] = namesIn(join(pool, 'snapshots'))
    expect(final).toMatch(/^data-final-/)
    expect(namesIn(join(pool, 'snapshots', final))).toEqual(['precious'])
    await mooring.stop()
  })
})
