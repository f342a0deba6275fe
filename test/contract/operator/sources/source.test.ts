import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import { createFileSource } from '../../../../src/operator/sources/files.ts'
import { createGitSource } from '../../../../src/operator/sources/git.ts'
import { parseGitAddress } from '../../../../src/operator/sources/git-address.ts'
import type { Source, SourceContent } from '../../../../src/operator/sources/source.ts'
import { createUpstream, gitEnvironment } from '../../../helpers/git-repository.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

interface Subject {
  readonly source: Source
  /** Makes the source hold these files, and no other that `change` made; null removes. */
  change(files: Readonly<Record<string, string | Uint8Array | null>>): void
  /** Makes the source unreachable. */
  lose(): void
}

const clock = systemClock
const log = silentLog

const implementations: Readonly<Record<string, () => Subject>> = {
  'a folder of files': () => {
    const root = temporaryDirectory()
    // Far enough ahead that no file counts as just written.
    const source = createFileSource({ path: root, clock: { ...clock, now: () => Date.now() + 60_000 }, log })
    return {
      source,
      change(files) {
        for (const [file, text] of Object.entries(files)) {
          if (text === null) rmSync(join(root, file))
          else writeFileSync(join(root, file), text)
        }
      },
      lose: () => rmSync(root, { recursive: true }),
    }
  },
  'a Git repository': () => {
    const root = temporaryDirectory()
    const upstream = createUpstream(root)
    upstream.push()
    const source = createGitSource({
      address: parseGitAddress(upstream.url),
      directory: join(root, 'copy'),
      pollMs: 100,
      environment: gitEnvironment,
      clock,
      log,
    })
    return {
      source,
      change(files) {
        for (const [file, text] of Object.entries(files)) {
          if (text === null) upstream.remove(file)
          else upstream.write(file, text)
        }
        upstream.push()
      },
      lose: () => rmSync(upstream.bare, { recursive: true }),
    }
  },
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
const specification = `type = "csi"
id = "from_nomad"
plugin_id = "directories"
colour = "red"
capability {
  access_mode     = "single-node-writer"
  attachment_mode = "file-system"
}
`
const broken = '---\napiVersion: mooring.dev/v1alpha1\nkind: "Volume\n'

/** `file/document name`, in order. */
const declared = (content: SourceContent) =>
  content.declarations.map(({ place, name }) => `${place.file}/${place.document} ${name}`)

describe.each(Object.entries(implementations))('%s as a source', (_name, create) => {
  function open(): Subject {
    const subject = create()
    onTestFinished(() => subject.source.close())
    return subject
  }

  test('holds nothing, completely, before anything is declared', async () => {
    expect(await open().source.read()).toMatchObject({
      declarations: [],
      problems: [],
      evidence: { doubts: [] },
    })
  })

  test('holds the declarations of YAML, JSON and HCL files, by file and document', async () => {
    const { source, change } = open()
    change({
      'b.yaml': volume('b1') + volume('b2'),
      'a.volume.hcl': specification,
      'c.json': JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap' }),
      'notes.md': volume('not-this'),
      '.hidden.yaml': volume('nor-this'),
    })
    const content = await source.read()
    expect(declared(content)).toEqual(['a.volume.hcl/0 from-nomad', 'b.yaml/0 b1', 'b.yaml/1 b2'])
    expect(content).toMatchObject({ evidence: { doubts: [] }, problems: [], skipped: 1 })
    expect(content.warnings.map(({ field }) => field)).toEqual(['colour'])
    for (const { place } of content.declarations) expect(place.source).toBe(source.name)
  })

  test('shows what was added, edited and removed', async () => {
    const { source, change } = open()
    change({ 'a.yaml': volume('a'), 'b.yaml': volume('b') })
    expect(declared(await source.read())).toEqual(['a.yaml/0 a', 'b.yaml/0 b'])
    change({ 'a.yaml': volume('a', '2Gi'), 'b.yaml': null, 'c.yaml': volume('c') })
    const content = await source.read()
    expect(declared(content)).toEqual(['a.yaml/0 a', 'c.yaml/0 c'])
    expect(content.declarations[0]?.spec).toMatchObject({ capacity: { min: 2n ** 31n } })
    expect(content.evidence.doubts).toEqual([])
  })

  test.each<[string, string | Uint8Array]>([
    ['no YAML', broken],
    ['not UTF-8', Uint8Array.of(0x61, 0xff)],
    ['too large', `#${'x'.repeat(4 * 2 ** 20)}`],
  ])(
    'is in doubt about a file that is %s now, until it is whole again, and about no other',
    async (_what, text) => {
      const { source, change } = open()
      change({ 'a.yaml': volume('a1') + volume('a2'), 'b.yaml': volume('b') })
      await source.read()
      change({ 'a.yaml': text })
      const content = await source.read()
      expect(declared(content)).toEqual(['b.yaml/0 b'])
      expect(content.evidence.doubts.map(({ file }) => file)).toEqual(['a.yaml'])
      expect([...content.evidence.files.keys()]).toEqual(['b.yaml'])
      expect(content.problems.map(({ place }) => place.file)).toEqual(['a.yaml'])
      change({ 'a.yaml': volume('a2') })
      const healed = await source.read()
      expect(declared(healed)).toEqual(['a.yaml/0 a2', 'b.yaml/0 b'])
      expect(healed).toMatchObject({ evidence: { doubts: [] }, problems: [] })
    },
  )

  test('that cannot be reached is in doubt as a whole', async () => {
    const { source, change, lose } = open()
    change({ 'a.yaml': volume('a') })
    await source.read()
    lose()
    const content = await source.read()
    expect(content.evidence.doubts).toMatchObject([{ file: '' }])
    expect(content.problems).toHaveLength(1)
  })

  test('reads for others go on where the signal of one aborts', async () => {
    const { source, change } = open()
    change({ 'a.yaml': volume('a') })
    const aborted = source.read(AbortSignal.abort(new Error('enough')))
    const next = source.read()
    await expect(aborted).rejects.toThrow('enough')
    expect(declared(await next)).toEqual(['a.yaml/0 a'])
  })

  test('tells each listener of changes until it leaves, and reads them then', async () => {
    const { source, change } = open()
    const leaves = vi.fn()
    const stays = vi.fn()
    const stop = source.onChange(leaves)
    source.onChange(stays)
    await vi.waitFor(() => expect(leaves).toHaveBeenCalled(), { timeout: 10_000 })
    stop()
    leaves.mockClear()
    stays.mockClear()
    change({ 'a.yaml': volume('a') })
    await vi.waitFor(async () => expect(declared(await source.read())).toEqual(['a.yaml/0 a']), {
      timeout: 10_000,
    })
    await vi.waitFor(() => expect(stays).toHaveBeenCalled(), { timeout: 10_000 })
    expect(leaves).not.toHaveBeenCalled()
  })

  test('tells nobody once it is closed, which may be twice', async () => {
    const { source, change } = open()
    const listener = vi.fn()
    source.onChange(listener)
    await vi.waitFor(() => expect(listener).toHaveBeenCalled(), { timeout: 10_000 })
    await source.close()
    await source.close()
    listener.mockClear()
    change({ 'a.yaml': volume('a') })
    source.onChange(listener)()
    expect(listener).not.toHaveBeenCalled()
  })
})
