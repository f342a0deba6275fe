import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { startUp, workplace } from '../helpers/start-up.ts'

const key = 'Volume/default/data'

it('data that storage lost while Nomad still names the volume is Stalled, and Ready once it is back', async () => {
  const { folder, dataDirectory, write } = workplace()
  write('data.yaml', volumeYAML('data'))
  write('other.yaml', volumeYAML('other'))
  const mooring = await startUp(folder, dataDirectory, ['--resync', '1s'])
  await mooring.status(key, 'ready')
  await mooring.status('Volume/default/other', 'ready')
  const { ExternalID = '' } = (await mooring.read('data')) ?? {}
  const directory = join(dataDirectory, 'pool', 'volumes', ExternalID)
  renameSync(directory, join(dataDirectory, 'away'))
  // A create drops what was known of the plugin's lists.
  write('new.yaml', volumeYAML('new'))
  const { why, reason } = await mooring.status(key, 'stalled')
  expect(reason).toMatch(/^ExternalVolume(Abnormal|Missing)$/)
  expect(why).toMatch(/^plugin "directories" (reports|no longer lists) external volume/)
  expect(why).toContain('mooring restore default/data --from SNAPSHOT')
  expect(await mooring.read('data')).toMatchObject({ ExternalID })
  renameSync(join(dataDirectory, 'away'), directory)
  write('newer.yaml', volumeYAML('newer'))
  await mooring.status(key, 'ready')
  await mooring.status('Volume/default/newer', 'ready')
  expect(mooring.directories()).toHaveLength(4)
  await mooring.stop()
}, 90_000)
