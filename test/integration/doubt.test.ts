import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import type { LogLine } from '../helpers/mooring-process.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { namesIn, startUp, workplace } from '../helpers/start-up.ts'

const key = (name: string) => `Volume/default/${name}`
const declared = (name: string) => volumeYAML(name, { deletionPolicy: 'Delete' })

/** Mounts need root. */
function mayMount(): boolean {
  const { folder } = workplace()
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'none', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  }
}

/** The folder of declarations, and a place beside it. */
interface Place {
  readonly path: (file: string) => string
  readonly outside: (file: string) => string
  readonly write: (file: string, text: string | Uint8Array) => void
}

interface Case {
  /** What happens to the file of the volume. */
  readonly title: string
  /** Where it is declared, if not in `<name>.yaml`. */
  readonly file?: (name: string) => string
  readonly text?: (name: string) => string
  /** Before the file is written. */
  readonly prepare?: (place: Place, name: string) => void
  readonly change: (place: Place, file: string, name: string) => void
  /** What the message says of it. Absent: the volume stays as declared. */
  readonly says?: RegExp
  /** How a person truly removes it then, if not by deleting the file. */
  readonly remove?: 'order' | ((place: Place, file: string, name: string) => void)
}

const replace = (text: (name: string) => string | Uint8Array) => (place: Place, file: string, name: string) =>
  place.write(file, text(name))
const inFolder = (name: string) => `${name}/declared.yaml`
const folderOf = (file: string) => dirname(file)
const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n'
const encrypted = 'apiVersion: ENC[AES256_GCM,data:x]\nkind: ENC[AES256_GCM,data:y]\nsops:\n  mac: z\n'
const job = 'job "web" {\n  type = "service"\n}\n'
const specification = (name: string) =>
  `id = "${name}"\ntype = "csi"\nplugin_id = "directories"\ncapability {\n  access_mode = "single-node-writer"\n  attachment_mode = "file-system"\n}\n`

const cases: Readonly<Record<string, Case>> = {
  sops: {
    title: 'is encrypted as a whole',
    change: replace(() => encrypted),
    says: /sops\.yaml:3:1 sops: .*SOPS.*decrypt/,
  },
  lfs: {
    title: 'became a pointer of Git LFS',
    change: replace(() => 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'),
    says: /Git LFS.*git lfs pull/,
  },
  conflict: {
    title: 'has conflict markers',
    change: replace((name) => `<<<<<<< HEAD\n${declared(name)}=======\n${declared(name)}>>>>>>> theirs\n`),
    says: /merge conflict/,
  },
  beheaded: {
    title: 'lost its first lines',
    change: replace((name) => declared(name).split('\n').slice(2).join('\n')),
    says: /a document that was not there before .*without apiVersion and kind/,
  },
  version: {
    title: 'has another apiVersion',
    change: replace((name) => declared(name).replace('mooring.dev/v1alpha1', 'example.com/v1')),
    says: /apiVersion "example\.com\/v1", kind "Volume"/,
  },
  kind: {
    title: 'has a misspelled kind',
    change: replace((name) => declared(name).replace('kind: Volume', 'kind: Volum')),
    says: /did you mean Volume/,
  },
  merge: {
    title: 'has a merge key at its root',
    change: replace(
      (name) => `x: &x {apiVersion: mooring.dev/v1alpha1, kind: Volume}\n<<: *x\nmetadata: {name: ${name}}\n`,
    ),
    says: /merge key/,
  },
  zero: { title: 'has zero bytes', change: replace(() => ''), says: /zero\.yaml is empty/ },
  blank: {
    title: 'has only white space',
    change: replace(() => ' \n\n\t\n'),
    says: /blank\.yaml is empty/,
    remove: ({ path }) => rmSync(path('renamed-blank.yaml')),
  },
  comments: {
    title: 'has only comments',
    change: replace((name) => declared(name).replace(/^/gm, '# ')),
    says: /comments\.yaml is empty, or has only comments/,
  },
  latin: {
    title: 'is not UTF-8',
    change: replace(() => Uint8Array.of(0x61, 0xff)),
    says: /is not UTF-8 text/,
  },
  foreign: {
    title: 'holds an object of another tool instead',
    change: replace(() => configMap),
    says: /apiVersion "v1", kind "ConfigMap"/,
  },
  job: {
    title: 'holds a job instead of a specification',
    file: (name) => `${name}.hcl`,
    text: specification,
    change: replace(() => job),
    says: /no declaration/,
  },
  misnamed: {
    title: 'got a name that is not UTF-8',
    change: ({ path }, file) =>
      renameSync(
        path(file),
        Buffer.concat([Buffer.from(path('misnamed')), Buffer.of(0xff), Buffer.from('.yaml')]),
      ),
    says: /misnamed\\xff\.yaml.*not UTF-8/,
    remove: ({ path }) =>
      rmSync(Buffer.concat([Buffer.from(path('misnamed')), Buffer.of(0xff), Buffer.from('.yaml')])),
  },
  directory: {
    title: 'is a folder now',
    change({ path }, file) {
      rmSync(path(file))
      mkdirSync(path(file))
    },
    says: /directory\.yaml is a folder now/,
    remove: ({ path }, file) => rmdirSync(path(file)),
  },
  pipe: {
    title: 'is a pipe now',
    change({ path }, file) {
      rmSync(path(file))
      execFileSync('mkfifo', [path(file)])
    },
    says: /not a regular file/,
  },
  dangling: {
    title: 'is a link to nothing now',
    change({ path }, file) {
      rmSync(path(file))
      symlinkSync('nowhere', path(file))
    },
    says: /link to nothing/,
  },
  emptied: {
    title: 'is gone with all of its folder’s content',
    file: inFolder,
    change: ({ path }, file) => rmSync(path(file)),
    says: /became empty as a whole/,
    remove: ({ path }, file) => rmdirSync(path(folderOf(file))),
  },
  linked: {
    title: 'is beneath a folder that is a link to another one now',
    file: inFolder,
    change({ path, outside }, file) {
      mkdirSync(outside('other'))
      writeFileSync(outside('other/notes.txt'), '')
      rmSync(path(folderOf(file)), { recursive: true })
      symlinkSync(outside('other'), path(folderOf(file)))
    },
    says: /its path now leads to .*other/,
    remove: 'order',
  },
  unlinked: {
    title: 'was beneath a link that led out and is gone',
    file: inFolder,
    prepare({ path, outside }, name) {
      mkdirSync(outside(name))
      symlinkSync(outside(name), path(name))
    },
    change: ({ path }, file) => rmSync(path(folderOf(file))),
    says: /the folder that held it was/,
    remove: 'order',
  },
  flattened: {
    title: 'is beneath a folder that is a file now',
    file: inFolder,
    change({ path }, file) {
      rmSync(path(folderOf(file)), { recursive: true })
      writeFileSync(path(folderOf(file)), '')
    },
    says: /flattened is no longer a folder/,
    remove: ({ path }, file) => rmSync(path(folderOf(file))),
  },
  unmounted: {
    title: 'is beneath a mount that went away',
    file: inFolder,
    prepare({ path }, name) {
      mkdirSync(path(name))
      execFileSync('mount', ['-t', 'tmpfs', 'none', path(name)])
      onTestFinished(() => {
        try {
          execFileSync('umount', [path(name)], { stdio: 'ignore' })
        } catch {
          // The test itself unmounted it.
        }
      })
    },
    change({ path }, file) {
      execFileSync('umount', [path(folderOf(file))])
      writeFileSync(path(`${folderOf(file)}/notes.txt`), 'not empty')
    },
    says: /another device or file system/,
    remove: 'order',
  },
  moved: {
    title: 'was moved to a file that is broken',
    change({ path, write }, file, name) {
      rmSync(path(file))
      write('half-written.yaml', `${declared(name)}  capacity: {min: \n`)
    },
    says: /may have moved to a place that cannot be read: .*half-written\.yaml/,
    remove: ({ path }) => rmSync(path('half-written.yaml')),
  },
  sealed: {
    title: 'was encrypted under another name',
    change({ path, write }, file) {
      write('sealed.enc.yaml', encrypted)
      rmSync(path(file))
    },
    says: /came meanwhile and is not understood may hold it: .*sealed\.enc\.yaml/,
    remove: ({ path }) => rmSync(path('sealed.enc.yaml')),
  },
  strange: {
    title: 'was encrypted under a name of its own',
    change({ path, write }, file) {
      write('secret.yaml', encrypted)
      rmSync(path(file))
    },
    says: /came meanwhile and is not understood may hold it/,
    remove: ({ path }) => rmSync(path('secret.yaml')),
  },
  list: {
    title: 'is wrapped in a List',
    change: replace((name) => `apiVersion: v1\nkind: List\nitems:\n${item(declared(name))}`),
  },
  sequence: {
    title: 'is wrapped in a sequence',
    change: replace((name) => item(declared(name))),
  },
  renamed: {
    title: 'has another name',
    change: ({ path }, file) => renameSync(path(file), path('another-name.yaml')),
    remove: ({ path }) => rmSync(path('another-name.yaml')),
  },
}

/** A document as an item of a sequence. */
function item(text: string): string {
  return text.trimEnd().replace(/^/gm, '  ').replace(/^ {2}/, '- ').concat('\n')
}

it('a file in doubt is remembered while its folder is away', async () => {
  const { folder, dataDirectory, write, remove, rename } = workplace()
  const away = join(dirname(folder), 'away')
  const start = () => startUp(folder, dataDirectory, ['--rescan', '300ms'])
  const doubted = (line: LogLine, says: RegExp) => line.key === key('data') && says.test(String(line.why))
  mkdirSync(away)
  for (const name of ['data', 'control', 'stays']) write(`${name}.yaml`, declared(name))
  const first = await start()
  for (const name of ['data', 'control', 'stays']) await first.status(key(name), 'ready')
  rename('data.yaml', 'moved.yaml')
  write('moved.yaml', '')
  await first.logged((line) => doubted(line, /moved\.yaml is empty/), 'the moved file is doubted')

  // As if it had been unmounted: what was known of the file must not be taken for gone with it.
  const files = readdirSync(folder)
  for (const file of files) renameSync(join(folder, file), join(away, file))
  await first.logged((line) => doubted(line, /became empty as a whole/), 'the empty folder is doubted')
  first.signal('SIGKILL')
  await first.exited()
  for (const file of files) renameSync(join(away, file), join(folder, file))

  const second = await start()
  await second.status(key('stays'), 'ready')
  remove('control.yaml')
  await second.logged((line) => line.msg === 'no longer managed' && line.key === key('control'), 'it ended')
  await second.status(key('data'), 'suspended', 'SourceUnclear')
  expect(namesIn(join(dataDirectory, 'pool', 'volumes')).some((each) => each.startsWith('data-'))).toBe(true)
  remove('moved.yaml')
  await second.logged((line) => line.msg === 'no longer managed' && line.key === key('data'), 'it ended too')
  await second.stop()
}, 60_000)

it('a declaration whose removal nobody saw is kept, and one that was removed ends beside it', async () => {
  const { folder, dataDirectory } = workplace()
  const place: Place = {
    path: (file) => join(folder, file),
    outside: (file) => join(dirname(folder), file),
    write(file, text) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    },
  }
  const all = Object.entries(cases)
    .filter(([name]) => name !== 'unmounted' || mayMount())
    .map(([name, each]) => ({ name, ...each, file: (each.file ?? ((name) => `${name}.yaml`))(name) }))
  for (const { name, file, text = declared, prepare } of all) {
    prepare?.(place, name)
    place.write(file, text(name))
  }
  for (const name of ['control1', 'control2', 'control3', 'stays'])
    place.write(`${name}.yaml`, declared(name))
  // A document of somebody else that was always there puts nothing in doubt, and neither does one that is edited.
  place.write('both.yaml', `${declared('both')}---\n${configMap}data: {a: b}\n`)
  const start = () => startUp(folder, dataDirectory, ['--max-prune', '100', '--rescan', '300ms'])
  const exists = (name: string) =>
    readdirSync(join(dataDirectory, 'pool', 'volumes')).some((each) => each.startsWith(`${name}-`))
  type Up = Awaited<ReturnType<typeof start>>
  const ended = (mooring: Up, name: string) =>
    mooring.logged((line) => line.msg === 'no longer managed' && line.key === key(name), `${name} has ended`)
  const expectKept = async (mooring: Up) => {
    for (const { name, title, says } of all) {
      const line =
        says === undefined ? undefined : await mooring.status(key(name), 'suspended', 'SourceUnclear')
      if (line !== undefined) expect(line, title).toMatchObject({ why: expect.stringMatching(says ?? /$/) })
      expect(exists(name), `${name}.yaml ${title}`).toBe(true)
    }
  }

  const first = await start()
  for (const name of [...all.map((each) => each.name), 'stays', 'both'])
    await first.status(key(name), 'ready')
  for (const { name, file, change } of all) change(place, file, name)
  await expectKept(first)
  // A damaged file is renamed. Its content is nowhere that anybody can read.
  renameSync(place.path('blank.yaml'), place.path('renamed-blank.yaml'))
  await first.logged(
    (line) => line.key === key('blank') && /renamed-blank\.yaml is empty/.test(String(line.why)),
    'the renamed file is doubted',
  )
  rmSync(place.path('control1.yaml'))
  place.write('both.yaml', `${configMap}data: {a: c}\n`)
  await ended(first, 'control1')
  await ended(first, 'both')
  await expectKept(first)

  // The next process knows what it must from what is recorded.
  first.signal('SIGKILL')
  await first.exited()
  const second = await start()
  await expectKept(second)
  rmSync(place.path('control2.yaml'))
  await ended(second, 'control2')
  await expectKept(second)

  // What is in doubt is looked after by its last declaration: Nomad loses it, and has it again.
  await fetch(`${second.url}/v1/volume/csi/zero`, { method: 'DELETE' })
  await second.logged(({ step }) => step === 'register-volume', 'it is registered again')

  // The folder as a whole is gone, and back.
  renameSync(folder, `${folder}.away`)
  await second.logged((line) => JSON.stringify(line).includes('is not there'), 'the folder is missed')
  renameSync(`${folder}.away`, folder)

  for (const { name, file, remove = ({ path }: Place) => rmSync(path(file)) } of all) {
    if (typeof remove === 'function') remove(place, file, name)
    else {
      const order = await runMooring(['confirm-removal', 'volume', name, '--data-dir', dataDirectory])
      expect(order).toMatchObject({ status: 0, stderr: '' })
    }
  }
  for (const { name } of all) await ended(second, name)
  // A specification of Nomad has no deletionPolicy, so its volume is retained.
  for (const { name, text } of all)
    expect(exists(name), `${name} was truly removed`).toBe(text === specification)
  const refused = await runMooring(['confirm-removal', 'volume', 'stays', '--data-dir', dataDirectory])
  expect(refused).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('remove its declaration first'),
  })
  expect(exists('stays') && exists('control3')).toBe(true)
  await second.stop()
}, 120_000)
