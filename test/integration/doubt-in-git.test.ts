import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { createUpstream, gitEnvironment } from '../helpers/git-repository.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { startUp } from '../helpers/start-up.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const key = (name: string) => `Volume/default/${name}`
const declared = (name: string) => volumeYAML(name, { deletionPolicy: 'Delete' })
type Upstream = ReturnType<typeof createUpstream>

interface Case {
  /** What a commit does to the file of the volume. */
  readonly title: string
  readonly file?: string
  readonly change: (upstream: Upstream, name: string) => void
  /** What the message says. Absent: the volume stays as declared. */
  readonly says?: RegExp
}

const cases: Readonly<Record<string, Case>> = {
  renamed: {
    title: 'gives it a name that is not read',
    change: ({ git }) => git('mv', 'renamed.yaml', 'renamed.yaml.off'),
    says: /renames renamed\.yaml to renamed\.yaml\.off/,
  },
  edited: {
    title: 'gives it another name and changes a line',
    change({ git, write }, name) {
      git('mv', 'edited.yaml', 'attic.txt')
      write('attic.txt', `${declared(name)}  # kept for later\n`)
    },
    says: /renames edited\.yaml to attic\.txt/,
  },
  hidden: {
    title: 'moves it into a hidden folder',
    file: 'visible/declared.yaml',
    change: ({ git }) => git('mv', 'visible', '.hidden'),
    says: /renames visible\/declared\.yaml to \.hidden\/declared\.yaml/,
  },
  linked: {
    title: 'puts a link in its place',
    change({ remove, link }) {
      remove('linked.yaml')
      link('/etc/hosts', 'linked.yaml')
    },
    says: /link that leads out of the repository/,
  },
  module: {
    title: 'puts a submodule in the place of its folder',
    file: 'module/declared.yaml',
    change({ git, remove }) {
      const commit = git('rev-parse', 'HEAD')
      remove('module')
      git('rm', '-r', '--quiet', '--cached', 'module')
      git('update-index', '--add', '--cacheinfo', `160000,${commit},module`)
    },
    says: /has a submodule at module/,
  },
  folder: {
    title: 'puts a folder in its place',
    change({ remove, write }) {
      remove('folder.yaml')
      write('folder.yaml/notes.txt', 'a note that is quite another text than a declaration')
    },
    says: /has a folder at folder\.yaml/,
  },
  linkedFolder: {
    title: 'puts a link in the place of its folder',
    file: 'group/declared.yaml',
    change({ remove, link, write }) {
      write('other/notes.txt', 'other')
      remove('group')
      link('other', 'group')
    },
    says: /has a link at group/,
  },
  emptied: {
    title: 'empties it',
    change: ({ write }) => write('emptied.yaml', ''),
    says: /emptied\.yaml is empty/,
  },
  broken: {
    title: 'leaves conflict markers in it',
    change: ({ write }, name) => write('broken.yaml', `<<<<<<< a\n${declared(name)}=======\n>>>>>>> b\n`),
    says: /merge conflict/,
  },
  moved: {
    title: 'gives it another name that is read',
    change: ({ git }) => git('mv', 'moved.yaml', 'elsewhere.yaml'),
  },
}

it('a commit that does not delete a file ends nothing, and one that does ends what the file declared', async () => {
  const root = temporaryDirectory()
  const upstream = createUpstream(root)
  const names = Object.keys(cases)
  const volumeOf = (name: string) => name.toLowerCase()
  for (const [name, { file = `${name}.yaml` }] of Object.entries(cases))
    upstream.write(file, declared(volumeOf(name)))
  for (const name of ['control1', 'control2', 'control3']) upstream.write(`${name}.yaml`, declared(name))
  upstream.push()
  const dataDirectory = join(root, 'data')
  const start = () =>
    startUp(
      upstream.url,
      dataDirectory,
      ['--max-prune', '100', '--git-poll', '200ms', '--rescan', '200ms'],
      gitEnvironment,
    )
  type Up = Awaited<ReturnType<typeof start>>
  const exists = (name: string) =>
    readdirSync(join(dataDirectory, 'pool', 'volumes')).some((each) => each.startsWith(`${name}-`))
  const ended = (mooring: Up, name: string) =>
    mooring.logged((line) => line.msg === 'no longer managed' && line.key === key(name), `${name} has ended`)
  const commit = (message: string) => {
    // The submodule is in the index alone, so not everything is added anew.
    upstream.git('add', '--all', '--', '.', ':!module')
    upstream.git('commit', '--quiet', '--message', message)
    upstream.git('push', '--quiet', 'origin', 'HEAD')
  }
  const repaired = ['emptied', 'broken']
  const expectKept = async (mooring: Up, isRestarted: boolean) => {
    for (const [name, { title, says }] of Object.entries(cases)) {
      if (says !== undefined && !(isRestarted && repaired.includes(name))) {
        const line = await mooring.status(key(volumeOf(name)), 'suspended', 'SourceUnclear')
        if (!isRestarted) expect(line, title).toMatchObject({ why: expect.stringMatching(says) })
      }
      expect(exists(volumeOf(name)), `a commit ${title}`).toBe(true)
    }
  }

  const first = await start()
  for (const name of names) await first.status(key(volumeOf(name)), 'ready')
  for (const [name, { change }] of Object.entries(cases)) change(upstream, volumeOf(name))
  commit('change')
  await expectKept(first, false)
  // Not in the commit that broke files: what went with it may be in one of them.
  upstream.remove('control1.yaml')
  commit('remove')
  await ended(first, 'control1')

  // What came in doubt while no process ran is unknown, so a removal of that time waits for a person beside any doubt.
  first.signal('SIGKILL')
  await first.exited()
  upstream.remove('control2.yaml')
  for (const name of repaired) upstream.write(`${name}.yaml`, declared(name))
  commit('while it was down')
  const second = await start()
  await second.status(key('control2'), 'suspended', 'SourceUnclear')
  await expectKept(second, true)

  // Whatever Mooring did not see, a person says.
  for (const name of ['renamed', 'module', 'control2']) {
    const order = await runMooring(['confirm-removal', 'volume', name, '--data-dir', dataDirectory])
    expect(order).toMatchObject({ status: 0, stderr: '' })
    await ended(second, name)
  }
  expect(exists('edited') && exists('control3')).toBe(true)
  await second.stop()
}, 120_000)
