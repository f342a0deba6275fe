import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { settableDate } from '../helpers/settable-date.ts'
import { startUp, workplace } from '../helpers/start-up.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const hourMs = 3_600_000
const declared = (name: string) => volumeYAML(name, { deletionPolicy: 'Delete' })

it('a date that leaps makes no removal old', async () => {
  const { folder, dataDirectory, write, remove } = workplace()
  const { set, environment } = settableDate()
  write('stays.yaml', declared('stays'))
  write('gone.yaml', declared('gone'))
  const mooring = await startUp(
    folder,
    dataDirectory,
    ['--prune-delay', '1h', '--rescan', '200ms'],
    environment,
  )
  for (const name of ['stays', 'gone']) await mooring.status(`Volume/default/${name}`, 'ready')
  remove('gone.yaml')
  await mooring.status('Volume/default/gone', 'waiting', 'PruneDelay')
  for (const [index, offsetMs] of [2 * hourMs, 8_760 * hourMs, -2 * hourMs].entries()) {
    set(offsetMs)
    // Two readings later, by what two of them brought.
    for (const name of [`marker${index}a`, `marker${index}b`]) {
      write(`${name}.yaml`, declared(name))
      await mooring.status(`Volume/default/${name}`, 'ready')
    }
  }
  expect(await mooring.read('gone')).toBeDefined()
  expect(mooring.log.filter(({ msg }) => msg === 'no longer managed')).toEqual([])
  await mooring.stop()
})

it('a date that is set back holds up no end', async () => {
  const { folder, dataDirectory, write, remove } = workplace()
  const { set, environment } = settableDate()
  write('stays.yaml', declared('stays'))
  write('gone.yaml', declared('gone'))
  const mooring = await startUp(
    folder,
    dataDirectory,
    ['--prune-delay', '1s', '--rescan', '200ms'],
    environment,
  )
  for (const name of ['stays', 'gone']) await mooring.status(`Volume/default/${name}`, 'ready')
  remove('gone.yaml')
  await mooring.status('Volume/default/gone', 'waiting', 'PruneDelay')
  set(-8_760 * hourMs)
  await mooring.logged(({ msg }) => msg === 'no longer managed', 'the volume has ended')
  expect(mooring.directories()).toHaveLength(1)
  await mooring.stop()
})

it('a folder is its real absolute path, wherever a command runs', async () => {
  const empty = workplace()
  const nomad = await startUp(empty.folder, empty.dataDirectory)
  const root = temporaryDirectory()
  const project = (name: string) => join(root, name)
  for (const name of ['projA', 'projB']) {
    mkdirSync(join(project(name), 'volumes'), { recursive: true })
    writeFileSync(join(project(name), 'volumes', 'v.yaml'), declared(name.toLowerCase()))
  }
  symlinkSync('volumes', join(project('projA'), 'link'))
  const flags = ['--data-dir', join(root, 'data'), '--nomad-addr', nomad.url]
  const mooring = (directory: string, ...parameters: string[]) =>
    runMooring([...parameters, ...flags], { directory })

  const apply = ['apply', 'volumes', '--prune', '--prune-delay', '0s', '--wait']
  expect(await mooring(project('projA'), ...apply)).toMatchObject({ status: 0 })
  // The same words in another directory are another folder.
  expect(await mooring(project('projB'), ...apply)).toMatchObject({ status: 0 })
  expect(await nomad.read('proja')).toBeDefined()
  const kept = await mooring(project('projB'), 'plan', 'volumes', '--prune')
  expect(kept.stdout).toMatch(/1 of sources that are not read here: left as it is \(SourceNotRead\)/)
  const whole = await mooring(project('projB'), 'plan', 'volumes', '--prune', '-o', 'json')
  expect(whole.stdout).toContain(join(project('projA'), 'volumes'))

  // Other words for the folder are the same folder: what is removed from it ends.
  writeFileSync(join(project('projA'), 'volumes', 'other.yaml'), declared('other'))
  for (const way of ['./volumes', 'link', join(project('projA'), 'volumes')]) {
    const plan = await mooring(project('projA'), 'plan', way, '--prune')
    expect(plan.stdout).toMatch(/^1 to make, 1 as declared, 1 left as it is\.$|^1 to make/m)
    expect(plan.stdout).not.toMatch(/proja: /)
  }
  expect(await mooring(project('projA'), 'apply', 'link', '--wait')).toMatchObject({ status: 0 })
  rmSync(join(project('projA'), 'volumes', 'v.yaml'))
  const plan = await mooring(project('projA'), 'plan', './volumes', '--prune')
  expect(plan.stdout).toMatch(/^- Volume\/default\/proja: deregister-volume/m)
  await nomad.stop()
}, 120_000)
