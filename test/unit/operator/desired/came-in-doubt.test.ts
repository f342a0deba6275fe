import { describe, expect, it } from 'vitest'
import { createDesired } from '../../../../src/operator/desired/desired.ts'
import type { Evidence, FileEvidence } from '../../../../src/operator/desired/evidence.ts'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { managedPart } from '../../../../src/operator/plan/record.ts'
import { place, volume } from '../../../builders/declarations.ts'
import { doubt, evidence, folder, reading } from '../../../builders/evidence.ts'
import { volumeRecord } from '../../../builders/records.ts'

const gone = volume('gone', {}, place('gone.yaml'))
const stays = volume('stays', {}, place('stays.yaml'))
const broken = (...files: string[]): Partial<Evidence> => ({ doubts: files.map((file) => doubt(file)) })
const holds = (file: string, fields: Partial<FileEvidence>): Partial<Evidence> => ({
  files: new Map([
    ...evidence([stays]).files,
    [file, { documents: 0, others: [], folder, ...fields } satisfies FileEvidence],
  ]),
})
/** Nothing is left of the folder. */
const unmounted: Partial<Evidence> = {
  files: new Map(),
  listing: {
    type: 'folders',
    folders: new Map([['', { device: '1', realPath: '/declarations', isEmpty: true }]]),
    passed: new Set(),
  },
}
const withSub = (fields: { readonly isEmpty: boolean; readonly device?: string }): Evidence['listing'] => ({
  type: 'folders',
  folders: new Map([
    ['', { device: '1', realPath: '/declarations', isEmpty: false }],
    ['sub', { device: '1', realPath: '/declarations/sub', ...fields }],
  ]),
  passed: new Set(),
})
const other = (what: string) => ({ documents: 1, others: [{ fingerprint: 'f', line: 4, what }] })

/**
 * Something that happens to the folder; `restart`: another process takes over; `not read`: it is not configured; `full`: the
 * inventory stores nothing of the next one.
 */
type Step = Partial<Evidence> | 'restart' | 'not read' | 'full'

/** @returns what becomes of a declaration that is there at first, and gone in all of the steps */
async function absenceAfter(first: Partial<Evidence>, ...steps: readonly Step[]) {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  const options = {
    inventory,
    region: 'global',
    prune: { prune: true, pruneDelayMs: 10, maxPrune: 9, allowEmpty: false },
  }
  let desired = createDesired(options)
  let nowMs = 0
  const update = (declarations: (typeof gone)[], fields: Partial<Evidence>) => {
    nowMs += 10
    const sources = new Map([['declarations', evidence(declarations, { monotonicMs: nowMs, ...fields })]])
    return desired.update(declarations, reading(declarations, nowMs, { sources }))
  }
  await update([gone, stays], first)
  for (const declaration of [gone, stays]) await inventory.put(managedPart(volumeRecord(declaration)))
  const { declare } = inventory
  for (const step of steps) {
    if (step === 'full') {
      inventory.declare = async () => {
        inventory.declare = declare
        throw new Error('the disk is full')
      }
    } else if (step === 'restart') desired = createDesired(options)
    else if (step === 'not read') await desired.update([], reading([], nowMs, { sources: new Map() }))
    // A reading that cannot be stored fails, and the next one is judged.
    else await update([stays], step).catch(() => {})
  }
  return desired.absence('Volume/default/gone')
}

describe('a declaration that went', () => {
  it.each<[string, Partial<Evidence>, ...Step[]]>([
    ['a broken file came', {}, broken('b.yaml'), broken('b.yaml')],
    ['a broken file came, and another process judges it', {}, broken('b.yaml'), 'restart', broken('b.yaml')],
    ['an empty file came', {}, holds('b.yaml', {}), holds('b.yaml', {})],
    [
      'a document without a head came',
      {},
      holds('b.yaml', other('without apiVersion and kind')),
      holds('b.yaml', other('without apiVersion and kind')),
    ],
    ['it was in doubt first', {}, holds('gone.yaml', {}), holds('b.yaml', {}), holds('b.yaml', {})],
    [
      'it was in doubt first, and was renamed while no process ran',
      {},
      holds('gone.yaml', {}),
      'restart',
      holds('b.yaml', {}),
      holds('b.yaml', {}),
    ],
    ['it went while no process ran, and a file is broken', {}, 'restart', broken('b.yaml'), broken('b.yaml')],
    [
      'a file came in a reading that could not be stored',
      {},
      'full',
      broken('b.yaml'),
      broken('b.yaml'),
      broken('b.yaml'),
    ],
    ['the file that may hold it was renamed again', {}, broken('b.yaml'), broken('c.yaml'), broken('c.yaml')],
    [
      'it was encrypted beside itself, and removed later',
      broken('gone.enc.yaml'),
      broken('gone.enc.yaml'),
      broken('gone.enc.yaml'),
    ],
    [
      'it was encrypted while the source could not be read',
      {},
      broken(''),
      broken('b.yaml'),
      broken('b.yaml'),
    ],
    [
      'a file came, and then the source could not be read for a while',
      {},
      holds('b.yaml', {}),
      broken(''),
      holds('b.yaml', {}),
    ],
    [
      'a file came, and then its folder could not be read for a while',
      {},
      broken('sub/b.yaml'),
      broken('sub'),
      broken('sub/b.yaml'),
    ],
    [
      'a file came, and then a process ran without the source',
      {},
      holds('b.yaml', {}),
      'restart',
      'not read',
      'restart',
      holds('b.yaml', {}),
    ],
    [
      'a file came, and then the folder was unmounted while another process took over',
      {},
      holds('b.yaml', {}),
      unmounted,
      'restart',
      holds('b.yaml', {}),
      holds('b.yaml', {}),
    ],
    [
      'a file came beneath a folder, which was unmounted then',
      {},
      { ...holds('sub/b.yaml', {}), listing: withSub({ isEmpty: false }) },
      { listing: withSub({ isEmpty: true }) },
      { listing: withSub({ isEmpty: true }) },
      'restart',
      { ...holds('sub/b.yaml', {}), listing: withSub({ isEmpty: false }) },
    ],
    [
      'a file came beneath a folder, in the place of which another one was mounted then',
      {},
      { ...holds('sub/b.yaml', {}), listing: withSub({ isEmpty: false }) },
      { listing: withSub({ isEmpty: false, device: '2' }) },
      { listing: withSub({ isEmpty: false, device: '2' }) },
      'restart',
      { ...holds('sub/b.yaml', {}), listing: withSub({ isEmpty: false }) },
    ],
    [
      'so many files came that only their source is remembered',
      {},
      broken(...Array.from({ length: 30 }, (_, index) => `b${index}.yaml`)),
      'restart',
      broken('b7.yaml'),
    ],
  ])('is in doubt where %s', async (_title, first, ...steps) => {
    expect(await absenceAfter(first, ...steps)).toMatchObject({
      state: 'held',
      reason: 'SourceUnclear',
      message: expect.stringMatching(/gone\.yaml.*meanwhile.*may hold it: declarations\/.*confirm-removal/),
    })
  })

  it.each<[string, Partial<Evidence>, ...Step[]]>([
    ['nothing came', {}, {}, {}],
    ['a file was broken before', broken('b.yaml'), broken('b.yaml'), broken('b.yaml')],
    [
      'a file was broken before, and the source was away between',
      broken('b.yaml'),
      broken(''),
      broken('b.yaml'),
      broken('b.yaml'),
    ],
    ['the file that came is understood', {}, broken('b.yaml'), 'restart', {}, {}],
    [
      'an object of Kubernetes came',
      {},
      holds('b.yaml', other('apiVersion "v1", kind "ConfigMap"')),
      holds('b.yaml', other('apiVersion "v1", kind "ConfigMap"')),
    ],
    [
      'a job came',
      {},
      holds('b.hcl', other('without apiVersion and kind')),
      holds('b.hcl', other('without apiVersion and kind')),
    ],
    ['it was in doubt, and a person deletes that file', {}, holds('gone.yaml', {}), {}, {}],
    ['it was seen to go before a restart', broken('b.yaml'), broken('b.yaml'), 'restart', broken('b.yaml')],
  ])('was removed where %s', async (_title, first, ...steps) => {
    expect(await absenceAfter(first, ...steps, steps.at(-1) ?? {})).toEqual({ state: 'ending' })
  })
})
