import { describe, expect, it } from 'vitest'
import type { Evidence, FolderEvidence, Listing } from '../../../../src/operator/desired/evidence.ts'
import { findElsewhere, judgeRemoval } from '../../../../src/operator/desired/judge-removal.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { place, volume } from '../../../builders/declarations.ts'
import { doubt, evidence, folder, reading } from '../../../builders/evidence.ts'
import { volumeRecord } from '../../../builders/records.ts'

const record = (file: string, fields: Partial<VolumeRecord> = {}) =>
  volumeRecord(volume('data', {}, place(file)), { sighting: { folder }, ...fields })
const folders = (
  listed: Readonly<Record<string, Partial<FolderEvidence>>>,
  passed: readonly string[] = [],
): Listing => ({
  type: 'folders',
  folders: new Map(
    Object.entries(listed).map(([path, fields]) => [
      path,
      { device: '1', realPath: `/declarations${path && `/${path}`}`, isEmpty: false, ...fields },
    ]),
  ),
  passed: new Set(passed),
})
const other = (fingerprint: string) => ({ fingerprint, line: 4, what: 'kind "ConfigMap"' })
const inFolder = { sighting: { folder: '1 /declarations/prod' } }

function judge(of: VolumeRecord, fields: Partial<Evidence>, allowEmpty = false) {
  const sources = new Map([['declarations', evidence([], fields)]])
  return judgeRemoval(of, reading([], 0, { sources }), { allowEmpty })?.what
}

describe('a file that is gone', () => {
  it.each<[string, VolumeRecord, Listing]>([
    ['from the source itself', record('a.yaml'), folders({ '': {} })],
    ['from a folder', record('prod/a.yaml', inFolder), folders({ '': {}, prod: {} })],
    ['with its folder', record('prod/a.yaml', inFolder), folders({ '': {} })],
    [
      'with several folders',
      record('prod/eu/a.yaml', { sighting: { folder: '1 /declarations/prod/eu' } }),
      folders({ '': {} }),
    ],
    [
      'from a folder that a link leads to, as before',
      record('prod/a.yaml', { sighting: { folder: '2 /elsewhere' } }),
      folders({ '': {}, prod: { device: '2', realPath: '/elsewhere' } }),
    ],
  ])('was removed %s', (_title, of, listing) => {
    expect(judge(of, { listing })).toBeUndefined()
  })

  it.each<[string, VolumeRecord, Listing, string]>([
    [
      'the source became empty',
      record('a.yaml'),
      folders({ '': { isEmpty: true } }),
      'became empty as a whole',
    ],
    [
      'its folder became empty',
      record('prod/a.yaml', inFolder),
      folders({ '': {}, prod: { isEmpty: true } }),
      'folder declarations/prod became empty',
    ],
    ['the source is on another device', record('a.yaml'), folders({ '': { device: '2' } }), 'another device'],
    [
      'its folder was another mount',
      record('prod/a.yaml', { sighting: { folder: '7 /declarations/prod' } }),
      folders({ '': {}, prod: {} }),
      'another device',
    ],
    [
      'its folder was another mount and is gone',
      record('prod/a.yaml', { sighting: { folder: '7 /declarations/prod' } }),
      folders({ '': {} }),
      'another device',
    ],
    [
      'its folder is a link now',
      record('prod/a.yaml', inFolder),
      folders({ '': {}, prod: { realPath: '/elsewhere' } }),
      'its path now leads to /elsewhere',
    ],
    [
      'its folder was a link and is gone',
      record('prod/a.yaml', { sighting: { folder: '1 /elsewhere' } }),
      folders({ '': {} }),
      'was /elsewhere',
    ],
    ['it is a folder now', record('a.yaml'), folders({ '': {}, 'a.yaml': {} }), 'a.yaml is a folder now'],
    [
      'its folder is a file now',
      record('prod/a.yaml', inFolder),
      folders({ '': {} }, ['prod']),
      'declarations/prod is no longer a folder',
    ],
    [
      'an earlier release recorded no folder',
      volumeRecord(volume('data', {}, place('a.yaml'))),
      folders({ '': {} }),
      'did not record which folder',
    ],
  ])('is in doubt where %s', (_title, of, listing, says) => {
    expect(judge(of, { listing })).toContain(says)
  })

  it('was removed from a folder that is empty where that is allowed, if it is the same folder', () => {
    expect(judge(record('a.yaml'), { listing: folders({ '': { isEmpty: true } }) }, true)).toBeUndefined()
    const elsewhere = folders({ '': { isEmpty: true, device: '2' } })
    expect(judge(record('a.yaml'), { listing: elsewhere }, true)).toContain('another device')
  })
})

describe('a document that is gone from its file', () => {
  const inFile = (others: readonly string[], documents: number) => ({
    files: new Map([['a.yaml', { documents, others: others.map(other), folder }]]),
  })
  const knowing = (others: string) => record('a.yaml', { sighting: { folder, others } })

  it.each([
    ['only declarations are left', record('a.yaml'), inFile([], 1)],
    ['what else is left was there before', knowing('x y'), inFile(['y'], 2)],
    ['everything else is as it was', knowing('x x'), inFile(['x', 'x'], 2)],
  ])('was removed where %s', (_title, of, fields) => {
    expect(judge(of, fields)).toBeUndefined()
  })

  it.each([
    ['nothing is left', record('a.yaml'), inFile([], 0), 'is empty, or has only comments'],
    ['something unknown is left', record('a.yaml'), inFile(['x'], 1), 'a.yaml:4 now has a document'],
    ['something unknown came', knowing('x'), inFile(['x', 'y'], 3), 'a.yaml:4 now has a document'],
    ['one more of a kind is there', knowing('x'), inFile(['x', 'x'], 2), 'a.yaml:4 now has a document'],
    ['more was there than could be remembered', knowing(''), inFile(['x'], 1), 'now has a document'],
  ])('is in doubt where %s', (_title, of, fields, says) => {
    expect(judge(of, fields)).toContain(says)
  })
})

describe('what cannot be read', () => {
  it.each([
    ['its file', doubt('prod/a.yaml'), true],
    ['a folder around it', doubt('prod'), true],
    ['the whole source', doubt(''), true],
    ['another file', doubt('prod/b.yaml'), false],
    ['a file whose name only begins alike', doubt('prod/a'), false],
  ])('is a doubt about a declaration where it is %s', (_title, about, isDoubt) => {
    const listing = folders({ '': {}, prod: {} })
    expect(judge(record('prod/a.yaml', inFolder), { listing, doubts: [about] }) !== undefined).toBe(isDoubt)
  })

  it.each([
    ['a file that names it', doubt('b.yaml', ['kind', 'data']), true],
    ['a file that does not name it', doubt('b.yaml', ['kind', 'date']), false],
    ['a file of which nothing is known', doubt('b.yaml'), false],
    ['a source that cannot be read at all', doubt(''), true],
  ])('may hold a declaration that moved to %s', (_title, about, isDoubt) => {
    const sources = new Map([
      ['declarations', evidence()],
      ['other', evidence([], { doubts: [about] })],
    ])
    const found = findElsewhere(record('a.yaml').declaration, reading([], 0, { sources }))
    expect(found !== undefined).toBe(isDoubt)
  })

  it('names the source that is not configured, and says more of a relative one', () => {
    const of = (source: string) =>
      judgeRemoval(volumeRecord(volume('data', {}, place('a.yaml', 0, source))), reading([], 0), {
        allowEmpty: false,
      })
    expect(of('/gone')).toEqual({
      what: 'source /gone is no longer configured',
      remedy: 'Run with --source /gone.',
    })
    expect(of('volumes')?.what).toContain('an earlier release recorded the folder only as volumes')
  })
})

describe('a file that a commit does not have', () => {
  const commit = (fields: Partial<Extract<Listing, { type: 'commit' }>>): Listing => ({
    type: 'commit',
    commit: 'abc',
    removed: new Set(),
    changed: new Map(),
    unread: [],
    ...fields,
  })
  const a = record('a.yaml')
  const seen = record('a.yaml', { missing: { sinceMs: 0, isSeen: true, elapsedMs: 0 } })
  const renamed = new Map([['a.yaml', { what: 'renames a.yaml to b', to: 'b' }]])
  const removed = new Set(['a.yaml'])

  it.each<[string, VolumeRecord, Partial<Evidence>]>([
    ['the commit deletes it', a, { listing: commit({ removed }) }],
    ['an earlier commit deleted it', seen, { listing: commit({}) }],
    [
      'git takes a new file for it, which is read and holds other declarations',
      a,
      { listing: commit({ changed: renamed }), files: new Map([['b', { documents: 1, others: [] }]]) },
    ],
  ])('was removed where %s', (_title, of, fields) => {
    expect(judge(of, fields)).toBeUndefined()
  })

  it.each<[string, Partial<Evidence>, string]>([
    ['nobody saw which commit deleted it', { listing: commit({}) }, 'did not see which commit'],
    ['it has another name', { listing: commit({ changed: renamed }) }, 'renames a.yaml to b'],
    [
      'it has another name, with something unknown in it',
      {
        listing: commit({ changed: renamed }),
        files: new Map([['b', { documents: 1, others: [other('x')] }]]),
      },
      'renames a.yaml to b',
    ],
    [
      'another file that came by a rename names it',
      { listing: commit({ removed, unread: [{ path: 'z', words: new Set(['data']) }] }) },
      'has z, which is not read and which names it',
    ],
  ])('is in doubt where %s', (_title, fields, says) => {
    expect(judge(a, fields)).toContain(`commit abc ${says}`.slice(0, 11))
    expect(judge(a, fields)).toContain(says)
  })
})
