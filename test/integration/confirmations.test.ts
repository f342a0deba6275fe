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
