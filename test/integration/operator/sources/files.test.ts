import { execFileSync } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  realpath,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Clock, systemClock } from '../../../../src/lib/clock.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import { createFileSource } from '../../../../src/operator/sources/files.ts'
import type { Source, SourceContent } from '../../../../src/operator/sources/source.ts'

let base: string
/** The folder of declarations. */
let root: string
const sources: Source[] = []

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'mooring-files-'))
  root = join(base, 'declared')
  await mkdir(root)
})

afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.close()))
  await rm(base, { recursive: true, force: true })
})

function open(path = root, clock: Clock = systemClock): Source {
  const source = createFileSource({ path, clock, log: silentLog })
  sources.push(source)
  return source
}

const volume = (name: string, capacity = '1Gi') => `---
apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: directories
  capacity: {min: ${capacity}}
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
`
const broken = '---\napiVersion: mooring.dev/v1alpha1\nkind: "Volume\n'

const write = (file: string, text: string) => writeFile(join(root, file), text)
/** `file/document name`, in order. */
const declared = (content: SourceContent) =>
  content.declarations.map(({ place, name }) => `${place.file}/${place.document} ${name}`)
/** `file: message`. */
const problems = (content: SourceContent) =>
  content.problems.map(({ place, message }) => `${place.file}: ${message}`)

describe('a reading', () => {
  test('holds the declarations of every YAML and JSON file, by file and document', async () => {
    await mkdir(join(root, 'b', 'c'), { recursive: true })
    await write('z.yml', volume('z'))
    await write('a.yaml', volume('a1') + volume('a2'))
    await write('b/c/deep.json', JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap' }))
    await write('b/one.YAML', volume('one'))
    await write('b.yaml', volume('b'))
    await write('notes.md', volume('not-this'))
    const content = await open().read()
    expect(declared(content)).toEqual([
      'a.yaml/0 a1',
      'a.yaml/1 a2',
      'b.yaml/0 b',
      'b/one.YAML/0 one',
      'z.yml/0 z',
    ])
    expect(content).toMatchObject({ evidence: { doubts: [] }, problems: [], skipped: 1 })
    expect(content.declarations[0]?.place.source).toBe(root)
  })

  test('passes over hidden files and folders', async () => {
    await mkdir(join(root, '.git'))
    await write('.git/a.yaml', volume('a'))
    await write('.b.yaml', volume('b'))
    expect(await open().read()).toMatchObject({ declarations: [], evidence: { doubts: [] } })
  })

  test('names its source as it was given, without a slash at the end', async () => {
    await write('a.yaml', volume('a'))
    const source = open(`${root}//`)
    expect(source.name).toBe(root)
    expect((await source.read()).declarations[0]?.place).toMatchObject({ source: root, file: 'a.yaml' })
  })

  test('may be of a single file', async () => {
    await writeFile(join(base, 'volumes.txt'), volume('a'))
    const source = open(join(base, 'volumes.txt'))
    expect(declared(await source.read())).toEqual(['/0 a'])
    await rm(join(base, 'volumes.txt'))
    const content = await source.read()
    expect(content.evidence.doubts).toMatchObject([{ file: '' }])
  })

  test('shows what was added, edited, renamed and removed', async () => {
    const source = open()
    expect(await source.read()).toMatchObject({ declarations: [], evidence: { doubts: [] } })
    await write('a.yaml', volume('a'))
    await write('b.yaml', volume('b'))
    expect(declared(await source.read())).toEqual(['a.yaml/0 a', 'b.yaml/0 b'])
    await write('a.yaml', volume('a', '2Gi'))
    expect((await source.read()).declarations[0]?.spec).toMatchObject({ capacity: { min: 2n ** 31n } })
    await rename(join(root, 'b.yaml'), join(root, 'c.yaml'))
    expect(declared(await source.read())).toEqual(['a.yaml/0 a', 'c.yaml/0 b'])
    await rm(join(root, 'a.yaml'))
    const content = await source.read()
    expect(declared(content)).toEqual(['c.yaml/0 b'])
    expect(content.evidence.doubts).toEqual([])
  })

  test('sees an edit that leaves size and time of change as they were', async () => {
    const source = open()
    const time = new Date('2026-01-01T00:00:00Z')
    for (const capacity of ['1Gi', '2Gi', '3Gi', '4Gi', '5Gi']) {
      await write('a.yaml', volume('a', capacity))
      await utimes(join(root, 'a.yaml'), time, time)
      const [declaration] = (await source.read()).declarations
      expect(declaration?.spec).toMatchObject({ capacity: { min: BigInt(capacity[0] ?? 0) * 2n ** 30n } })
    }
  })

  test('is not parsed again where nothing changed', async () => {
    await write('a.yaml', volume('a'))
    const tomorrow = { ...systemClock, now: () => Date.now() + 86_400_000 }
    const source = open(root, tomorrow)
    const first = await source.read()
    const second = await source.read()
    expect(second.declarations[0]).toBe(first.declarations[0])
    expect(second.readAtMs).toBeGreaterThan(Date.now() + 80_000_000)
  })

  test('ends when its signal aborts, and the next one is not touched by that', async () => {
    await write('a.yaml', volume('a'))
    const source = open()
    const aborted = source.read(AbortSignal.abort(new Error('enough')))
    const next = source.read()
    await expect(aborted).rejects.toThrow('enough')
    expect(declared(await next)).toEqual(['a.yaml/0 a'])
  })
})

describe('what cannot be understood', () => {
  test('puts its file in doubt until the file is whole again, and what is right in it counts', async () => {
    const source = open()
    await write('a.yaml', volume('a1') + volume('a2') + volume('a3'))
    await write('b.yaml', volume('b'))
    await source.read()
    await write('a.yaml', volume('a1', '2Gi') + broken + volume('a3'))
    const content = await source.read()
    expect(declared(content)).toEqual(['a.yaml/0 a1', 'a.yaml/2 a3', 'b.yaml/0 b'])
    expect(content.declarations[0]?.spec).toMatchObject({ capacity: { min: 2n ** 31n } })
    expect(content.evidence.doubts).toHaveLength(1)
    expect(content.problems[0]?.place).toMatchObject({ file: 'a.yaml', document: 1 })
    // Read again and again, it stays.
    expect(declared(await source.read())).toEqual(declared(content))

    await write('a.yaml', volume('a1') + volume('a3'))
    const healed = await source.read()
    expect(declared(healed)).toEqual(['a.yaml/0 a1', 'a.yaml/1 a3', 'b.yaml/0 b'])
    expect(healed.evidence.doubts).toEqual([])
  })

  test('a file caught half-written is in doubt', async () => {
    const source = open()
    const text = volume('a1') + volume('a2')
    await write('a.yaml', text)
    await source.read()
    await write('a.yaml', text.slice(0, -30))
    const content = await source.read()
    expect(declared(content)).toEqual(['a.yaml/0 a1'])
    expect(content.evidence.doubts).toMatchObject([{ file: 'a.yaml' }])
  })

  test('a file that is emptied holds no document, which proves nothing', async () => {
    const source = open()
    await write('a.yaml', volume('a'))
    await source.read()
    for (const text of ['', ' \n\t\n', '# a comment\n---\n']) {
      await write('a.yaml', text)
      const { evidence } = await source.read()
      expect(evidence.files.get('a.yaml')).toMatchObject({ documents: 0 })
      expect(evidence.doubts).toEqual([])
    }
  })

  test('what moved to another file out of a broken one is declared there', async () => {
    const source = open()
    await write('a.yaml', volume('a1') + volume('a2'))
    await source.read()
    await write('a.yaml', broken)
    await write('b.yaml', volume('a2'))
    expect(declared(await source.read())).toEqual(['b.yaml/0 a2'])
  })

  test('a broken file that is removed is gone with all that it declared', async () => {
    const source = open()
    await write('a.yaml', volume('a'))
    await source.read()
    await write('a.yaml', broken)
    await source.read()
    await rm(join(root, 'a.yaml'))
    expect(await source.read()).toMatchObject({ declarations: [], evidence: { doubts: [] } })
  })

  test.each<[string, () => Promise<unknown>, string]>([
    ['a link to nothing', () => symlink('nowhere', join(root, 'a.yaml')), 'a.yaml: is a link to nothing'],
    [
      'a link to itself',
      () => symlink('a.yaml', join(root, 'a.yaml')),
      'a.yaml: is a link that leads back to itself',
    ],
    [
      'no UTF-8',
      () => writeFile(join(root, 'a.yaml'), Buffer.from([0x61, 0xff])),
      'a.yaml: is not UTF-8 text',
    ],
    [
      'UTF-16',
      () => writeFile(join(root, 'a.yaml'), `\uFEFF${volume('a')}`, 'utf16le'),
      'a.yaml: is not UTF-8 text',
    ],
    ['too large', () => write('a.yaml', `#${'x'.repeat(4 * 2 ** 20)}`), 'a.yaml: is larger than 4 MiB'],
    ['a pipe', async () => execFileSync('mkfifo', [join(root, 'a.yaml')]), 'a.yaml: is not a regular file'],
  ])('a file that is %s is in doubt, and is named', async (_what, replace, problem) => {
    const source = open()
    await write('a.yaml', volume('a'))
    await write('b.yaml', volume('b'))
    await source.read()
    await rm(join(root, 'a.yaml'))
    await replace()
    const content = await source.read()
    expect(declared(content)).toEqual(['b.yaml/0 b'])
    expect(problems(content)).toEqual([expect.stringContaining(problem)])
    expect(content.evidence.doubts).toHaveLength(1)
  })

  test('a folder in the place of a file is read as a folder', async () => {
    const source = open()
    await write('a.yaml', volume('a'))
    await source.read()
    await rm(join(root, 'a.yaml'))
    await mkdir(join(root, 'a.yaml'))
    await write('a.yaml/b.yaml', volume('b'))
    expect(declared(await source.read())).toEqual(['a.yaml/b.yaml/0 b'])
  })

  test('a folder that vanishes is in doubt as a whole, until it returns', async () => {
    const source = open()
    await mkdir(join(root, 'sub'))
    await write('sub/a.yaml', volume('a'))
    await source.read()
    await rename(root, join(base, 'elsewhere'))
    const gone = await source.read()
    expect(gone.evidence.doubts).toMatchObject([{ file: '' }])
    expect(gone.evidence.doubts).toHaveLength(1)
    expect(problems(gone)).toEqual([': is not there: create it, or correct the path'])
    await rename(join(base, 'elsewhere'), root)
    expect(await source.read()).toMatchObject({ evidence: { doubts: [] }, problems: [] })
    await rm(join(root, 'sub'), { recursive: true })
    expect(await source.read()).toMatchObject({ declarations: [], evidence: { doubts: [] } })
  })

  test('a link to a folder that vanishes puts in doubt what was beneath it', async () => {
    const source = open()
    await mkdir(join(base, 'shared'))
    await writeFile(join(base, 'shared', 'a.yaml'), volume('a'))
    await symlink('../shared', join(root, 'shared'))
    expect(declared(await source.read())).toEqual(['shared/a.yaml/0 a'])
    await rm(join(base, 'shared'), { recursive: true })
    const content = await source.read()
    expect(content.evidence.doubts).toMatchObject([{ file: 'shared' }])
  })

  test.skipIf(process.getuid?.() === 0)(
    'without the right to read (root has it always), it is named',
    async () => {
      const source = open()
      await mkdir(join(root, 'sub'))
      await write('sub/a.yaml', volume('a'))
      await write('b.yaml', volume('b'))
      await source.read()
      await chmod(join(root, 'sub'), 0)
      await chmod(join(root, 'b.yaml'), 0)
      const content = await source.read()
      await chmod(join(root, 'sub'), 0o700)
      expect(declared(content)).toEqual(['b.yaml/0 b', 'sub/a.yaml/0 a'])
      expect(problems(content)).toEqual([
        expect.stringContaining('b.yaml: may not be read'),
        expect.stringContaining('sub: may not be read'),
      ])
    },
  )
})

describe('a folder that changes while it is read', () => {
  /** The source asks for the time once a file, between finding the files and reading them. */
  const meanwhile = (change: () => void): Clock => ({
    ...systemClock,
    now() {
      change()
      return Date.now()
    },
  })

  test('is read again, so that a declaration that moves meanwhile is not missed', async () => {
    await write('a.yaml', volume('a'))
    await write('b.yaml', volume('b'))
    let moved = false
    const clock = meanwhile(() => {
      if (!moved) renameSync(join(root, 'b.yaml'), join(root, '0.yaml'))
      moved = true
    })
    const content = await open(root, clock).read()
    expect(declared(content)).toEqual(['0.yaml/0 b', 'a.yaml/0 a'])
    expect(content.evidence.doubts).toEqual([])
  })

  test('without end, puts all of it in doubt', async () => {
    await write('a.yaml', volume('a'))
    await write('b.yaml', volume('b'))
    let text = ''
    const source = open(
      root,
      meanwhile(() => {
        if (text === '') return
        text += volume(`a${text.length}`)
        writeFileSync(join(root, 'a.yaml'), text)
      }),
    )
    await source.read()
    text = '#'
    await rm(join(root, 'b.yaml'))
    const content = await source.read()
    expect(content.evidence.doubts).toMatchObject([{ file: '' }])
    expect(problems(content)).toEqual([': changes during the reading: it is read again in a few seconds'])
  })
})

describe('links', () => {
  test('the mount of a ConfigMap is followed through its swaps', async () => {
    const source = open()
    const swap = async (version: string, files: Record<string, string>) => {
      await mkdir(join(root, version))
      for (const [file, text] of Object.entries(files)) await write(`${version}/${file}`, text)
      await symlink(version, join(root, '..data_tmp'))
      await rename(join(root, '..data_tmp'), join(root, '..data'))
    }
    await swap('..1', { 'a.yaml': volume('a') })
    await symlink('..data/a.yaml', join(root, 'a.yaml'))
    expect(declared(await source.read())).toEqual(['a.yaml/0 a'])
    await swap('..2', { 'a.yaml': volume('a2') })
    const content = await source.read()
    expect(declared(content)).toEqual(['a.yaml/0 a2'])
    expect(content.evidence.doubts).toEqual([])
  })

  test.each<[string, () => Promise<unknown>]>([
    ['a link to it', () => symlink('b.yaml', join(root, 'a.yaml'))],
    ['a second name of it', () => link(join(root, 'b.yaml'), join(root, 'c.yaml'))],
    [
      'a link to it in another folder',
      async () => {
        await mkdir(join(root, 'aa'))
        await symlink('../b.yaml', join(root, 'aa', 'again.yaml'))
      },
    ],
  ])('a file and %s are one declaration', async (_what, name) => {
    await write('b.yaml', volume('b'))
    await name()
    expect(declared(await open().read())).toEqual(['b.yaml/0 b'])
  })

  test('every way to write a folder names the same source', async () => {
    await symlink('declared', join(base, 'link'))
    const paths = [
      root,
      `${root}/`,
      join(base, 'link'),
      relative(process.cwd(), root),
      `${base}/./x/../declared`,
    ]
    expect(new Set(paths.map((path) => open(path).name))).toEqual(new Set([await realpath(root)]))
  })

  test('a name that is not UTF-8 is refused, shown with escapes, and declares nothing', async () => {
    const named = (...bytes: number[]) => Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from(bytes)])
    for (const bytes of [[0xe9], [0xe8]]) {
      await writeFile(Buffer.concat([named(...bytes), Buffer.from('.yaml')]), volume(`v${bytes[0]}`))
    }
    await writeFile(named(0xe9), 'not a declaration')
    await write('ok.yaml', volume('ok'))
    const content = await open().read()
    expect(declared(content)).toEqual(['ok.yaml/0 ok'])
    expect(content.problems.map(({ message }) => message)).toEqual([
      'is named caf\\xe8.yaml, which is not UTF-8: rename it',
      'is named caf\\xe9.yaml, which is not UTF-8: rename it',
    ])
    expect(content.evidence.doubts.map(({ words }) => words?.has('v232'))).toEqual([true, false])
  })

  test('loops end, and a folder that two links lead to is read once', async () => {
    await mkdir(join(root, 'sub'))
    await write('sub/a.yaml', volume('a'))
    await symlink('..', join(root, 'sub', 'up'))
    await symlink('.', join(root, 'sub', 'self'))
    await symlink('sub', join(root, 'zub'))
    const content = await open().read()
    expect(declared(content)).toEqual(['sub/a.yaml/0 a'])
    expect(content.evidence.doubts).toEqual([])
  })
})

describe('a watch', () => {
  /** Waits for the call that says the watch sees; then `told` waits for the calls that `change` leads to. */
  async function watching(path = root) {
    const source = open(path)
    const listener = vi.fn()
    const stop = source.onChange(listener)
    await vi.waitFor(() => expect(listener).toHaveBeenCalled(), { timeout: 10_000 })
    const told = async (change: () => Promise<unknown>) => {
      listener.mockClear()
      await change()
      await vi.waitFor(() => expect(listener).toHaveBeenCalled(), { timeout: 10_000 })
    }
    return { source, listener, stop, told }
  }

  test('tells of files added, edited, replaced by a rename, moved and removed', async () => {
    const { told, source } = await watching()
    await told(() => write('a.yaml', volume('a')))
    await told(() => write('a.yaml', volume('b')))
    await told(async () => {
      await write('.a.yaml.tmp', volume('c'))
      await rename(join(root, '.a.yaml.tmp'), join(root, 'a.yaml'))
    })
    await told(() => mkdir(join(root, 'sub')))
    await told(() => rename(join(root, 'a.yaml'), join(root, 'sub', 'b.yaml')))
    expect(declared(await source.read())).toEqual(['sub/b.yaml/0 c'])
    await told(() => rm(join(root, 'sub', 'b.yaml')))
    expect(declared(await source.read())).toEqual([])
  })

  test('tells of the swap of a ConfigMap', async () => {
    await mkdir(join(root, '..1'))
    await write('..1/a.yaml', volume('a'))
    await symlink('..1', join(root, '..data'))
    await symlink('..data/a.yaml', join(root, 'a.yaml'))
    const { told, source } = await watching()
    for (const version of ['2', '3']) {
      await told(async () => {
        await mkdir(join(root, `..${version}`))
        await write(`..${version}/a.yaml`, volume(`a${version}`))
        await symlink(`..${version}`, join(root, '..data_tmp'))
        await rename(join(root, '..data_tmp'), join(root, '..data'))
      })
      expect(declared(await source.read())).toEqual([`a.yaml/0 a${version}`])
    }
  })

  test('tells of a folder that appears later, goes and comes back', async () => {
    const path = join(base, 'later')
    const { told, source } = await watching(path)
    expect(await source.read()).toMatchObject({ declarations: [], evidence: { doubts: [expect.anything()] } })
    await told(async () => {
      await mkdir(path)
      await writeFile(join(path, 'a.yaml'), volume('a'))
    })
    await told(() => rename(path, join(base, 'away')))
    await told(() => rename(join(base, 'away'), path))
    await told(() => writeFile(join(path, 'a.yaml'), volume('b')))
    expect(declared(await source.read())).toEqual(['a.yaml/0 b'])
  })

  test('tells of a link to a folder that is turned to another, as git-sync does', async () => {
    for (const version of ['v1', 'v2']) {
      await mkdir(join(base, version))
      await writeFile(join(base, version, 'a.yaml'), volume(version))
    }
    const current = join(base, 'current')
    await symlink('v1', current)
    const { told, source } = await watching(current)
    expect(declared(await source.read())).toEqual(['a.yaml/0 v1'])
    await told(async () => {
      await symlink('v2', join(base, 'next'))
      await rename(join(base, 'next'), current)
    })
    expect(declared(await source.read())).toEqual(['a.yaml/0 v2'])
    await told(() => writeFile(join(base, 'v2', 'a.yaml'), volume('v2-edited')))
    expect(declared(await source.read())).toEqual(['a.yaml/0 v2-edited'])
  })

  test('takes many changes as one, and tells each listener until it leaves', async () => {
    const { told, listener, stop, source } = await watching()
    const other = vi.fn()
    source.onChange(other)
    await told(() => Promise.all(Array.from({ length: 100 }, (_, n) => write(`${n}.yaml`, volume(`v${n}`)))))
    expect(listener.mock.calls.length).toBeLessThan(10)
    await vi.waitFor(() => expect(other).toHaveBeenCalled())
    await vi.waitFor(async () => expect((await source.read()).declarations).toHaveLength(100))

    stop()
    listener.mockClear()
    other.mockClear()
    await write('0.yaml', volume('other'))
    await vi.waitFor(() => expect(other).toHaveBeenCalled())
    expect(listener).not.toHaveBeenCalled()
  })

  test('ends with its source, which may be closed twice', async () => {
    const { source, listener } = await watching()
    await source.close()
    await source.close()
    listener.mockClear()
    await write('a.yaml', volume('a'))
    expect(declared(await source.read())).toEqual(['a.yaml/0 a'])
    source.onChange(listener)()
    expect(listener).not.toHaveBeenCalled()
  })
})
