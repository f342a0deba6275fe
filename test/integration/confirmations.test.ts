import { expect, it } from 'vitest'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { startUp, workplace } from '../helpers/start-up.ts'

const key = (name: string) => `Volume/default/${name}`

/** Runs the command that the message tells a person to run. */
async function follow(why: unknown, dataDirectory: string) {
  const [, command = ''] = /run mooring (confirm-removal [^:,]+)$/.exec(String(why)) ?? []
  const done = await runMooring([...command.split(' '), '--data-dir', dataDirectory])
  expect(done).toMatchObject({ status: 0, stderr: '' })
}

it('a confirmed removal ends that one, then, and no other one and no later one', async () => {
  const { folder, dataDirectory, write, remove } = workplace()
  const names = ['a', 'b', 'c']
  const declare = (name: string) => write(`${name}.yaml`, volumeYAML(name, { deletionPolicy: 'Delete' }))
  for (const name of names) declare(name)
  write('stays.yaml', volumeYAML('stays'))
  const mooring = await startUp(folder, dataDirectory, ['--rescan', '100ms', '--max-prune', '1'])
  for (const name of [...names, 'stays']) await mooring.status(key(name), 'ready')
  const ended = (name: string) =>
    mooring.log.filter((line) => line.msg === 'no longer managed' && line.key === key(name)).length

  for (const name of names) remove(`${name}.yaml`)
  for (const name of names) await mooring.status(key(name), 'suspended', 'TooManyEnds')
  for (const name of ['a', 'b']) {
    const { why } = await mooring.status(key(name), 'suspended', 'TooManyEnds')
    await follow(why, dataDirectory)
    await mooring.logged(() => ended(name) === 1, `the end of ${name}`)
  }
  // The last one is no longer too many, and nobody confirmed it.
  const { why } = await mooring.status(key('c'), 'suspended', 'TooManyEnds')
  expect(why).toContain('together with more others than --max-prune allows')
  expect(mooring.directories()).toHaveLength(2)

  // Declared and removed once more, together: the word for the first removal of a covers no later one.
  declare('c')
  declare('a')
  for (const name of ['a', 'c']) await mooring.status(key(name), 'ready')
  for (const name of ['a', 'c']) remove(`${name}.yaml`)
  for (const name of ['a', 'c']) await mooring.status(key(name), 'suspended', 'TooManyEnds')
  expect(mooring.directories()).toHaveLength(3)
  await mooring.stop()
}, 90_000)

it('an end that a person cancels deletes nothing; what was kept is an orphan, and is the same when declared again', async () => {
  const { folder, dataDirectory, write, remove } = workplace()
  const declare = () => write('data.yaml', volumeYAML('data', { deletionPolicy: 'Delete' }))
  declare()
  write('stays.yaml', volumeYAML('stays'))
  const flags = ['--rescan', '100ms', '--max-prune', '0']
  const mooring = await startUp(folder, dataDirectory, flags)
  for (const name of ['data', 'stays']) await mooring.status(key(name), 'ready')
  const cancel = (name: string) =>
    runMooring(['cancel-end', name, '--data-dir', dataDirectory, '--output', 'json'])
  expect(await cancel('data')).toMatchObject({ status: 1, stderr: expect.stringContaining('it is declared') })
  const before = { disks: mooring.directories(), volume: await mooring.read('data') }
  const writes = mooring.writes().length

  remove('data.yaml')
  const { why } = await mooring.status(key('data'), 'suspended', 'TooManyEnds')
  expect(why).toContain('mooring cancel-end volume default/data')
  const cancelled = await cancel('data')
  expect(cancelled).toMatchObject({ status: 0, stderr: '' })
  expect(JSON.parse(cancelled.stdout)).toMatchObject({
    key: key('data'),
    message: expect.stringContaining('nothing is deleted'),
  })
  await mooring.logged(
    () => mooring.log.some((line) => line.msg === 'no longer managed' && line.key === key('data')),
    'the release',
  )
  expect({ disks: mooring.directories(), volume: await mooring.read('data') }).toEqual(before)
  const orphans = await runMooring(['orphans', '--data-dir', dataDirectory, '--output', 'json'])
  expect(JSON.parse(orphans.stdout)).toMatchObject({
    inNomad: [{ volumeID: 'data', released: { reason: 'Retained', key: key('data') } }],
  })
  expect(mooring.writes()).toHaveLength(writes)

  // The operator that adopts it may be another one.
  await mooring.stop()
  declare()
  const next = await startUp(folder, dataDirectory, flags)
  await next.status(key('data'), 'ready')
  const after = await next.read('data')
  expect(after?.ExternalID).toBe(before.volume?.ExternalID)
  expect(next.directories()).toEqual(before.disks)
  await next.stop()
}, 90_000)
